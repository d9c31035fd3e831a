import type { SpanWire } from '#protocols/api/traces-wire'

/** A span at its place in the tree, in the order in which it is shown. */
export interface Branch {
  readonly span: SpanWire
  readonly depth: number
}

/** The spans as a tree, each below the one that called it; those whose caller is missing stand at the top. */
export function branchesOf(spans: readonly SpanWire[]): Branch[] {
  const ids = new Set(spans.map(({ span }) => span))
  const children = Map.groupBy(spans, ({ parent }) =>
    parent !== null && ids.has(parent) ? parent : '',
  )
  const branches: Branch[] = []
  const open: Branch[] = (children.get('') ?? []).map((span) => ({ span, depth: 0 })).toReversed()
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    branches.push(branch)
    const { depth } = branch
    const below = children.get(branch.span.span) ?? []
    open.push(...below.map((span) => ({ span, depth: depth + 1 })).toReversed())
  }
  return branches
}

/** Where a span begins and how long it is, as shares of the whole. */
export function placeOf(span: SpanWire, wholeMs: number): { left: number; width: number } {
  const whole = wholeMs > 0 ? wholeMs : 1
  return { left: span.startMs / whole, width: (span.durationMs ?? 0) / whole }
}

export function lengthOf(spans: readonly SpanWire[]): number {
  return spans.reduce((most, span) => Math.max(most, span.startMs + (span.durationMs ?? 0)), 0)
}
