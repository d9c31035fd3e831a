import { canonicalJson } from '#base/json'
import { messageOf } from '#base/problem'
import { entryIn, textOf } from './entry.ts'
import type { Entry } from './fact.ts'
import { leafHash, nodesOfAppend, rootOf, type Hash, type Node } from './merkle.ts'
import { checkpointIn } from './note.ts'
import type { KeptEntry, LedgerEvidence } from './store.ts'

export interface Verdict {
  readonly entries: number
  readonly checkpoints: number
  /** Root over all entries, base64. */
  readonly head: string
  /** What does not hold, in words; empty when the history is whole. */
  readonly faults: readonly string[]
}

const PAGE = 1000
/** A history that was replaced has a fault at each entry; nobody reads the millionth. */
const FAULTS_MAX = 100

/**
 * Recomputes every leaf and root from the kept texts and holds them against the kept hashes, the columns
 * that are searched, the lineage edges and each signed checkpoint, so that no part of history changes
 * unseen. A checkpoint from outside, `against`, shows also that the tail was not cut off or all of it
 * signed anew. The evidence must be one snapshot.
 */
export async function verifyLedger(
  evidence: LedgerEvidence,
  verifier: string,
  options: { against?: string; onProgress?: (entries: number) => void } = {},
): Promise<Verdict> {
  const faults = createFaults()
  const tree = createTree()
  const signed = signedHeads(evidence, { verifier, against: options.against, faults })
  const counted = { nodes: 0, edges: 0 }

  await signed.prepare(0, 1)
  await signed.check(tree)
  for (;;) {
    const from = tree.size()
    const page = await evidence.kept({ after: from - 1, limit: PAGE })
    if (page.length === 0) break
    await signed.prepare(from + 1, from + page.length + 1)
    const grown: Node[] = []
    for (const kept of page) {
      if (kept.position !== tree.size()) {
        faults.add(`entry ${tree.size()} is missing`)
        return { ...signed.counted(), ...(await headOf(tree)), faults: faults.list() }
      }
      grown.push(...(await tree.append(kept.text)))
      await signed.check(tree)
    }
    faults.add(...(await nodeFaults(evidence, grown)))
    const entries = page.map((kept) => readEntry(kept, faults))
    faults.add(...(await edgeFaults(evidence, from, entries)))
    counted.nodes += grown.length
    counted.edges += entries.reduce((count, entry) => count + (entry?.edges.length ?? 0), 0)
    options.onProgress?.(tree.size())
  }
  await signed.finish(tree.size())
  faults.add(...totalFaults(await evidence.totals(), counted))
  return { ...signed.counted(), ...(await headOf(tree)), faults: faults.list() }
}

function createFaults() {
  const faults: string[] = []
  let more = 0
  return {
    add: (...found: readonly string[]) => {
      const room = Math.max(0, FAULTS_MAX - faults.length)
      faults.push(...found.slice(0, room))
      more += Math.max(0, found.length - room)
    },
    list: () => (more === 0 ? faults : [...faults, `and ${more} more`]),
  }
}

type Faults = ReturnType<typeof createFaults>

/** The tree as far as it was read; of it only the right edge is remembered. */
function createTree() {
  const edge = new Map<string, Hash>()
  const at = async (level: number, index: number) => edge.get(`${level}/${index}`) as Hash
  let size = 0
  return {
    size: () => size,
    root: () => rootOf(size, at),
    append: async (text: string) => {
      const nodes = await nodesOfAppend(size, leafHash(text), at)
      for (const { level, index, hash } of nodes) {
        edge.set(`${level}/${index}`, hash)
        edge.delete(`${level - 1}/${index * 2}`)
        edge.delete(`${level - 1}/${index * 2 + 1}`)
      }
      size += 1
      return nodes
    },
  }
}

type Tree = ReturnType<typeof createTree>

async function headOf(tree: Tree): Promise<{ entries: number; head: string }> {
  return { entries: tree.size(), head: (await tree.root()).toString('base64') }
}

/** Holds each signed head against the tree when the tree has just that size. */
function signedHeads(
  evidence: LedgerEvidence,
  { verifier, against, faults }: { verifier: string; against: string | undefined; faults: Faults },
) {
  const signer = verifier.split('+')[0]
  const due = new Map<number, string[]>()
  let checkpoints = 0
  const outside = against === undefined ? undefined : checkpointIn(against, verifier)
  if (against !== undefined && outside === undefined)
    faults.add(`the given checkpoint is not one signed by ${signer}`)

  return {
    counted: () => ({ checkpoints }),
    prepare: async (from: number, until: number) => {
      due.clear()
      for (const { size, note } of await evidence.checkpoints({ from, until }))
        due.set(size, [...(due.get(size) ?? []), note])
    },
    check: async (tree: Tree) => {
      const size = tree.size()
      for (const note of due.get(size) ?? []) {
        checkpoints += 1
        const checkpoint = checkpointIn(note, verifier)
        if (checkpoint === undefined)
          faults.add(`checkpoint ${size}: its signature is not by ${signer}`)
        else if (checkpoint.size !== size)
          faults.add(`checkpoint ${size}: it signs ${checkpoint.size} entries`)
        else if (!checkpoint.root.equals(await tree.root()))
          faults.add(`checkpoint ${size}: the entries do not give the root that was signed`)
      }
      if (outside?.size === size && !outside.root.equals(await tree.root()))
        faults.add(`the first ${size} entries are not those of the given checkpoint`)
    },
    finish: async (size: number) => {
      const beyond = await evidence.checkpoints({ from: size + 1, until: Number.MAX_SAFE_INTEGER })
      checkpoints += beyond.length
      for (const each of beyond)
        faults.add(`checkpoint ${each.size}: the ledger has only ${size} entries`)
      if (outside !== undefined && outside.size > size)
        faults.add(
          `the given checkpoint is of ${outside.size} entries; the ledger has only ${size}`,
        )
    },
  }
}

/** The entry that a text tells, or undefined when text and columns do not tell the same one. */
function readEntry(kept: KeptEntry, faults: Faults): Entry | undefined {
  try {
    const entry = entryIn(kept.text)
    if (!Array.isArray(entry.edges)) throw new Error('it has no edges')
    const whole = { ...entry, position: kept.position, type: kept.type, atMs: kept.atMs }
    const { eventMs: _, ...timeless } = whole
    const searched = kept.eventMs === null ? timeless : { ...timeless, eventMs: kept.eventMs }
    if (textOf(searched) !== kept.text)
      faults.add(`entry ${kept.position}: its columns differ from the text that was hashed`)
    return entry
  } catch (error) {
    faults.add(`entry ${kept.position}: its text is not an entry (${messageOf(error)})`)
    return undefined
  }
}

async function nodeFaults(evidence: LedgerEvidence, grown: readonly Node[]): Promise<string[]> {
  const faults: string[] = []
  for (const [level, nodes] of Map.groupBy(grown, (node) => node.level)) {
    const [first, last] = [nodes[0], nodes.at(-1)]
    if (first === undefined || last === undefined) continue
    const range = { level, from: first.index, until: last.index + 1 }
    const kept = new Map((await evidence.nodes(range)).map(({ index, hash }) => [index, hash]))
    for (const { index, hash } of nodes)
      if (kept.get(index)?.equals(hash) !== true)
        faults.push(
          level === 0
            ? `entry ${index}: its text does not give the hash that is kept`
            : `the hash kept at level ${level}, index ${index} is not that of its entries`,
        )
  }
  return faults
}

async function edgeFaults(
  evidence: LedgerEvidence,
  start: number,
  entries: readonly (Entry | undefined)[],
): Promise<string[]> {
  const kept = await evidence.edges({ from: start, until: start + entries.length })
  const byEntry = Map.groupBy(kept, (edge) => edge.position)
  return entries.flatMap((entry, offset) => {
    const edges = (byEntry.get(start + offset) ?? []).map(({ from, relation, to }) => ({
      from,
      relation,
      to,
    }))
    return entry === undefined || canonicalJson(edges) === canonicalJson(entry.edges)
      ? []
      : [`entry ${start + offset}: its lineage edges differ from the text that was hashed`]
  })
}

function totalFaults(
  kept: { nodes: number; edges: number },
  counted: { nodes: number; edges: number },
): string[] {
  return (['nodes', 'edges'] as const)
    .filter((what) => kept[what] !== counted[what])
    .map(
      (what) =>
        `${kept[what]} ${what === 'nodes' ? 'hashes' : 'lineage edges'} are kept, and the entries give ${counted[what]}`,
    )
}
