import { Problem } from '#base/problem'
import type { Lifecycle } from '../experiment.ts'
import type { Place } from '../search.ts'
import type { BrowsingReads } from './store.ts'

/** A run in the tree, before its children. */
export interface TreeNode {
  readonly runId: string
  readonly parentRunId: string | null
  /** 0 for the run that was asked for. */
  readonly depth: number
  readonly children: number
  /** Where the children that are not told begin; null when all are told, or none. */
  readonly next: Place | null
}

export interface RunTree {
  /** From the outermost to the parent. */
  readonly ancestors: readonly string[]
  /** The run and what is below it, each before its children. */
  readonly nodes: readonly TreeNode[]
  /** Whether there is more than one answer holds. */
  readonly cut: boolean
}

export interface TreeAsk {
  readonly depth: number
  /** Children of each run. */
  readonly limit: number
  readonly lifecycles: readonly Lifecycle[]
  /** Where the children of the run itself go on. */
  readonly after?: Place | undefined
}

/** A tree that is larger is asked for branch by branch. */
export const TREE_NODES_MAX = 2000
const ANCESTORS_MAX = 1000

/** The runs around a run. Runs that name each other as parents are told once. */
export async function treeAround(
  read: BrowsingReads,
  runId: string,
  ask: TreeAsk,
): Promise<RunTree> {
  const [kept] = await read.runRows([runId], [])
  if (kept === undefined)
    throw new Problem('not-found', `Run with id=${runId} not found; look for it with a search`)
  const ancestors = await ancestorsOf(read, runId)
  const below = await descendants(read, runId, ask)
  const counts = await read.childCounts([...below.keys()], ask.lifecycles)
  const nodes: TreeNode[] = []
  const walk = (id: string, parentRunId: string | null, depth: number) => {
    const { children = [], next = null } = below.get(id) ?? {}
    nodes.push({ runId: id, parentRunId, depth, children: counts.get(id) ?? 0, next })
    for (const child of children) walk(child, id, depth + 1)
  }
  walk(runId, ancestors.at(-1) ?? null, 0)
  return { ancestors, nodes, cut: nodes.length >= TREE_NODES_MAX }
}

async function ancestorsOf(read: BrowsingReads, runId: string): Promise<string[]> {
  const seen = new Set([runId])
  const up: string[] = []
  for (let at = runId; up.length < ANCESTORS_MAX;) {
    const parent = (await read.parentsOf([at])).get(at)
    if (parent === undefined || seen.has(parent)) break
    // A parent that was never logged, or is gone for good, is no ancestor.
    if ((await read.runRows([parent], [])).length === 0) break
    seen.add(parent)
    up.push(parent)
    at = parent
  }
  return up.toReversed()
}

interface Branch {
  readonly children: readonly string[]
  readonly next: Place | null
}

/** Level by level, so that the nearest are told when there are too many. */
async function descendants(
  read: BrowsingReads,
  runId: string,
  { depth, limit, lifecycles, after }: TreeAsk,
): Promise<Map<string, Branch>> {
  const branches = new Map<string, Branch>([[runId, { children: [], next: null }]])
  let level = [runId]
  for (let deep = 0; deep < depth && level.length > 0; deep++) {
    const found = await read.childrenOf(level, {
      limit,
      lifecycles,
      after: deep === 0 ? after : undefined,
    })
    const nextLevel: string[] = []
    for (const id of level) {
      const rows = found.get(id) ?? []
      const children: string[] = []
      for (const { item } of rows.slice(0, limit)) {
        if (branches.has(item) || branches.size >= TREE_NODES_MAX) continue
        branches.set(item, { children: [], next: null })
        children.push(item)
      }
      const next = rows.length > limit ? (rows[limit - 1]?.place ?? null) : null
      branches.set(id, { children, next })
      nextLevel.push(...children)
    }
    level = nextLevel
  }
  return branches
}
