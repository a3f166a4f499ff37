/** Makes the message out of a scripted reply. */
import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type { InputUsage } from './accounting.ts';
import type { ReceivedMessageRequest, ScriptedReply } from './contracts.ts';
import type { ScriptedMessage } from './events.ts';
import { tokensOf } from './prompt.ts';
import { numbered, serverToolUsage, stopReasonOf } from './replies.ts';

/** Input is charged after the script has answered, so that a script that fails costs nothing. */
export function messageOf(
  id: string,
  request: ReceivedMessageRequest,
  scripted: ScriptedReply,
  charge: () => InputUsage,
): ScriptedMessage {
  const content = numbered(scripted.blocks, request);
  const stopReason = stopReasonOf(scripted);
  const usage: BetaUsage = {
    ...charge(),
    output_tokens: content.reduce((sum, block) => sum + tokensOf(block), 0),
    output_tokens_details: null,
    server_tool_use: serverToolUsage(content),
    service_tier: 'standard',
    speed: null,
    inference_geo: null,
    iterations: null,
    fallback_credit: null,
    ...scripted.usage,
  };
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: request.body.model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details:
      stopReason === 'refusal'
        ? {
            type: 'refusal',
            category: null,
            explanation: null,
            fallback_credit_token: null,
            fallback_has_prefill_claim: null,
            recommended_model: null,
          }
        : null,
    container: null,
    context_management: null,
    diagnostics: null,
    usage,
  };
}
