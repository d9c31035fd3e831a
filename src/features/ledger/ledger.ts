import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { textOf } from './entry.ts'
import type { Entry } from './fact.ts'
import { inclusionProof, rootOf } from './merkle.ts'
import { checkpointIn, checkpointText, signedNote, verifierKey, type SigningKey } from './note.ts'
import type { LedgerReads, Transact } from './store.ts'

export interface InclusionReceipt {
  readonly entry: Entry
  readonly text: string
  readonly size: number
  readonly proof: readonly string[]
  readonly checkpoint: string
  readonly verifier: string
}

export interface Ledger {
  /** Entries in order, for followers and pages. */
  readonly read: LedgerReads
  /** The key that checks this ledger's checkpoints. */
  readonly verifier: string
  /** Signs the present head unless it is signed already, and gives the note. */
  checkpoint(): Promise<string>
  /** Everything an outsider needs to see that one entry is in the log. Throws `not-found`. */
  prove(position: number): Promise<InclusionReceipt>
}

interface Dependencies {
  readonly read: LedgerReads
  readonly transact: Transact<object>
  readonly clock: Clock
  readonly key: SigningKey
}

/**
 * The ledger that is there. Throws a `conflict` problem when it does not continue its last signed head, or when
 * another key signed that: adding to such a history would hide what happened to it.
 */
export async function openLedger(dependencies: Dependencies): Promise<Ledger> {
  const { read, key } = dependencies
  const newest = await read.newestCheckpoint()
  if (newest === undefined) return createLedger(dependencies)
  const head = checkpointIn(newest.note, verifierKey(key))
  if (head === undefined)
    throw new Problem(
      'conflict',
      'the ledger was signed with another key; restore the key that belongs to it, ledger.pem in the folder of keys',
    )
  const isThere = head.size <= (await read.size())
  if (!isThere || !(await rootOf(head.size, read.node)).equals(head.root))
    throw new Problem(
      'conflict',
      `the ledger is not the one whose first ${head.size} entries were signed; see "orrery audit verify", and restore a backup`,
    )
  return createLedger(dependencies)
}

export function createLedger(dependencies: Dependencies): Ledger {
  const { read, transact, clock, key } = dependencies

  const checkpoint = async () => {
    const signed = await read.newestCheckpoint()
    if (signed !== undefined && signed.size === (await read.size())) return signed.note
    return transact(async ({ ledger }) => {
      const size = await ledger.size()
      const newest = await ledger.newestCheckpoint()
      if (newest?.size === size) return newest.note
      const root = await rootOf(size, ledger.node)
      const note = signedNote(checkpointText({ origin: key.name, size, root }), key)
      await ledger.saveCheckpoint({ size, note, atMs: clock.nowMs() })
      return note
    })
  }

  return {
    read,
    verifier: verifierKey(key),
    checkpoint,
    prove: async (position) => {
      const entry = await read.find(position)
      if (entry === undefined) throw new Problem('not-found', `the ledger has no entry ${position}`)
      const note = await checkpoint()
      const size = Number(note.split('\n')[1])
      const proof = await inclusionProof(position, size, read.node)
      return {
        entry,
        text: textOf(entry),
        size,
        proof: proof.map((hash) => hash.toString('base64')),
        checkpoint: note,
        verifier: verifierKey(key),
      }
    },
  }
}
