import type { Edge, Fact } from '#ledger'
import { datasetVersionRef } from '#projects'
import { externalRunRef, type Home, type OutsideRun, type Use } from './run.ts'

/** The ledger tells names and outcomes; what else is known of them is beside it. */
const TEXT_CHARS_MAX = 500
const PART_BYTES_MAX = 20_000

export function runBegan(run: OutsideRun): Fact {
  return {
    type: 'external-run-started',
    data: { ...about(run), producer: short(run.producer), parent: run.parent?.id ?? null },
    edges: parentEdges(run),
    ...(run.startedMs === null ? {} : { eventMs: run.startedMs }),
  }
}

/** The parent was told after the run had begun. */
export function runPlaced(run: OutsideRun): Fact {
  return {
    type: 'external-run-placed',
    data: { ...about(run), parent: run.parent?.id ?? null },
    edges: parentEdges(run),
  }
}

export function runEnded(run: OutsideRun): Fact {
  return {
    type: 'external-run-finished',
    data: {
      ...about(run),
      outcome: run.state,
      error: run.error === null ? null : short(run.error),
    },
    eventMs: run.stateMs,
  }
}

/** What a run read and wrote, in as many facts as have room for it. */
export function dataUsed(run: OutsideRun, uses: readonly Use[]): Fact[] {
  return inParts(uses).map((part) => ({
    type: 'external-data-recorded',
    data: {
      ...about(run),
      inputs: part.filter(({ role }) => role === 'input').map(({ ref }) => ref.id),
      outputs: part.filter(({ role }) => role === 'output').map(({ ref }) => ref.id),
    },
    edges: part.map(edgeOf),
  }))
}

/** A version of ours is what a run elsewhere wrote last before it was recorded. */
export function outputTracked(home: Home, md5: string, use: Use): Fact {
  const from = datasetVersionRef({ ...home, md5 })
  return {
    type: 'external-output-tracked',
    data: { ...home, md5, run: use.run },
    edges: [{ from, relation: 'made-by', to: externalRunRef(use.run) }],
  }
}

function about(run: OutsideRun) {
  return {
    externalRun: run.id,
    job: { namespace: short(run.job.namespace), name: short(run.job.name) },
  }
}

function parentEdges({ id, parent }: OutsideRun): Edge[] {
  if (parent === null || parent.id === id) return []
  return [{ from: externalRunRef(id), relation: 'part-of', to: externalRunRef(parent.id) }]
}

function edgeOf({ run, role, ref }: Use): Edge {
  return role === 'input'
    ? { from: externalRunRef(run), relation: 'read', to: ref }
    : { from: ref, relation: 'made-by', to: externalRunRef(run) }
}

function inParts(uses: readonly Use[]): Use[][] {
  const parts: Use[][] = []
  let room = 0
  for (const use of uses) {
    // Its name stands in the data and in the edge.
    const bytes = 2 * Buffer.byteLength(JSON.stringify(use.ref)) + 150
    if (bytes > room) {
      parts.push([])
      room = PART_BYTES_MAX
    }
    parts.at(-1)?.push(use)
    room -= bytes
  }
  return parts
}

function short(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`
}
