import { textOf } from './entry.ts'
import { leafHash, nodesOfAppend, rootOf, type Hash } from './merkle.ts'
import { checkpointIn } from './note.ts'
import type { LedgerReads } from './store.ts'

export interface Verdict {
  readonly entries: number
  readonly checkpoints: number
  /** What does not hold, in words; empty when the history is whole. */
  readonly faults: readonly string[]
}

const PAGE = 1000

/**
 * Recomputes every leaf and root from the kept texts and holds them against the kept nodes, the
 * columns that are searched, and each signed checkpoint, so that no part of history changes unseen.
 */
export async function verifyLedger(
  read: LedgerReads,
  verifier: string,
  onProgress: (checked: number) => void = () => {},
): Promise<Verdict> {
  const faults: string[] = []
  const roots = new Map<number, Hash>()
  const notes = await read.checkpoints()
  const signedSizes = new Set(notes.map((note) => note.size))
  const nodes = new Map<string, Hash>()
  const at = async (level: number, index: number) => nodes.get(`${level}/${index}`) as Hash
  let size = 0

  if (signedSizes.has(0)) roots.set(0, await rootOf(0, at))
  for (;;) {
    const page = await read.texts({ after: size - 1, limit: PAGE })
    if (page.length === 0) break
    const entries = await read.list({ after: size - 1, limit: PAGE })
    for (const [offset, { position, text }] of page.entries()) {
      if (position !== size)
        return { entries: size, checkpoints: 0, faults: [...faults, `entry ${size} is missing`] }
      const entry = entries[offset]
      if (entry === undefined || textOf(entry) !== text)
        faults.push(`entry ${position}: its columns differ from the text that was hashed`)
      for (const node of await nodesOfAppend(size, leafHash(text), at)) {
        nodes.set(`${node.level}/${node.index}`, node.hash)
        // Only the right edge is needed from here on: the children of a complete subtree can go.
        nodes.delete(`${node.level - 1}/${node.index * 2}`)
        nodes.delete(`${node.level - 1}/${node.index * 2 + 1}`)
        if (!(await nodeIs(read, node.level, node.index, node.hash)))
          faults.push(
            `entry ${position}: its text does not give the hash kept at level ${node.level}, index ${node.index}`,
          )
      }
      size += 1
      if (signedSizes.has(size)) roots.set(size, await rootOf(size, at))
    }
    onProgress(size)
  }

  for (const note of notes) faults.push(...checkpointFaults(note, verifier, roots))
  return { entries: size, checkpoints: notes.length, faults }
}

async function nodeIs(
  read: LedgerReads,
  level: number,
  index: number,
  hash: Hash,
): Promise<boolean> {
  try {
    return (await read.node(level, index)).equals(hash)
  } catch {
    // A node that cannot be read is the same finding as one that differs.
    return false
  }
}

function checkpointFaults(
  note: { size: number; note: string },
  verifier: string,
  roots: Map<number, Hash>,
): string[] {
  const checkpoint = checkpointIn(note.note, verifier)
  if (checkpoint === undefined)
    return [`checkpoint ${note.size}: its signature is not by ${verifier.split('+')[0]}`]
  if (checkpoint.size !== note.size)
    return [`checkpoint ${note.size}: it signs ${checkpoint.size} entries`]
  const root = roots.get(note.size)
  if (root === undefined)
    return [`checkpoint ${note.size}: the ledger has fewer entries than were signed`]
  return root.equals(checkpoint.root)
    ? []
    : [`checkpoint ${note.size}: the entries do not give the root that was signed`]
}
