export {
  platformActor,
  type Actor,
  type Edge,
  type Entry,
  type Fact,
  type Ref,
  type RefKind,
} from './fact.ts'
export { entryIn, entryOf, textOf } from './entry.ts'
export { leafHash, nodesOfAppend, provesInclusion, type Hash, type Node } from './merkle.ts'
export { checkpointIn, verifierKey, type SigningKey } from './note.ts'
export { createLedger, openLedger, type InclusionReceipt, type Ledger } from './ledger.ts'
export { verifyLedger, type Verdict } from './verify.ts'
export { startFollowers, type Follower } from './follower.ts'
export type { KeptEntry, LedgerEvidence, LedgerReads, LedgerWrites, Transact } from './store.ts'
