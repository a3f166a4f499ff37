"""The checks of the agent face: one at least for each of the 45 rules of the implementation guide."""

from . import (
    agent_face_frames,
    agent_face_guidance,
    agent_face_limits,
    agent_face_requests,
    agent_face_results,
    agent_face_sdk,
    agent_face_shape,
)
from .model import Check

CHECKS: list[Check] = sorted(
    [
        *agent_face_shape.CHECKS,
        *agent_face_results.CHECKS,
        *agent_face_frames.CHECKS,
        *agent_face_limits.CHECKS,
        *agent_face_sdk.CHECKS,
        *agent_face_guidance.CHECKS,
        *agent_face_requests.CHECKS,
    ],
    # By rule; what belongs to none comes last.
    key=lambda check: check.rules or (99,),
)
