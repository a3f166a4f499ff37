/** The loopback server and all that a test needs to script it. */
export type {
  Blocks,
  Outcome,
  ReceivedMessageRequest,
  ReceivedToolResult,
  RecordedAnswer,
  RecordedRequest,
  ReplyOptions,
  Script,
  Scripted,
  ScriptedBlock,
  ScriptedReply,
  Totals,
} from './contracts.ts';
export {
  roleMarker,
  script,
  type DirectorOptions,
  type ScriptDirector,
  type ScriptedTurn,
} from './director.ts';
export { ScriptError, type ErrorType } from './errors.ts';
export type { Fault, FaultTarget } from './faults.ts';
export type { ScriptedModel } from './models.ts';
export { json, reply, text, thinking, tool, webFetch, webSearch } from './replies.ts';
export { LOOPBACK_KEY, LoopbackServer, type LoopbackOptions } from './server.ts';
