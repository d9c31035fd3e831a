import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Ref, RefKind } from '#ledger'
import type { Lineage, Walk } from '#lineage'
import { entryToWire } from './ledger.ts'
import type { StationWire } from './lineage-wire.ts'
import { nodeIn } from './outside-lineage.ts'
import { PredictionQuery } from './predictions.ts'

/** A logged prediction as the walk back begins from it. */
export interface TracedPrediction {
  readonly revision: Ref
  /** The prediction as the REST API shows it. */
  readonly shown: Readonly<Record<string, unknown>>
}

export interface TraceParts {
  readonly lineage: Lineage
  /** Throws `not-found`. */
  tracedPrediction(id: string, endpoint?: string): Promise<TracedPrediction>
  /** The thing that a node of another system stands for; undefined for a node of ours. */
  refOf?(this: void, node: string): Promise<Ref | undefined>
  /** When and by whom a thing was purged, if it was. */
  purgeOf?(
    this: void,
    thing: { kind: string; id: string },
  ): Promise<{ atMs: number; by: string } | undefined>
}

/** The stations in the order a reader asks for them. */
const CHAIN: readonly RefKind[] = [
  'revision',
  'model-version',
  'promotion',
  'policy-run',
  'window',
  'run',
  'pipeline-run',
  'commit',
  'environment',
  'dataset-version',
  'endpoint',
  'segment',
  'external-run',
  'dataset',
]

const WalkQuery = Type.Object({
  kind: Type.Optional(Type.String({ description: `One of ${CHAIN.join(', ')}.` })),
  id: Type.Optional(Type.String()),
  direction: Type.Union([Type.Literal('back'), Type.Literal('forward')], { default: 'back' }),
  node: Type.Optional(
    Type.String({
      description:
        'KIND:ID, or run:UUID, job:NAMESPACE:NAME, dataset:NAMESPACE:NAME of another system.',
      maxLength: 8000,
    }),
  ),
  depth: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
})

export function lineageRoutes(
  app: FastifyInstance,
  { lineage, tracedPrediction, refOf, purgeOf = async () => undefined }: TraceParts,
): void {
  const shownWalk = (walk: Walk) => walkToWire(walk, purgeOf)
  app.get<{ Params: { id: string }; Querystring: { endpoint?: string } }>(
    '/predictions/:id/trace',
    {
      schema: {
        summary: 'Walk one prediction back to its model version, run, commit, environment and data',
        params: Type.Object({ id: Type.String() }),
        querystring: PredictionQuery,
      },
    },
    async ({ params, query }) => {
      const { revision, shown } = await tracedPrediction(params.id, query.endpoint)
      return { prediction: shown, ...(await shownWalk(await lineage.walkBack(revision))) }
    },
  )
  app.get<{ Querystring: Static<typeof WalkQuery> }>(
    '/lineage',
    {
      schema: {
        summary:
          'Walk from a named thing or digest to its causes, or to what came of it; or give the graph around a node',
        querystring: WalkQuery,
      },
    },
    async ({ query: { node, kind, id, direction, depth } }) => {
      if (node !== undefined) {
        const from = (await refOf?.(node)) ?? refIn(node)
        return graphAround(lineage, from, depth)
      }
      if (kind === undefined || id === undefined)
        throw new Problem('invalid', 'name a thing by "kind" and "id", or a node by "node"')
      const from = { kind: kindOf(kind), id }
      return shownWalk(
        await (direction === 'back' ? lineage.walkBack(from) : lineage.walkForward(from)),
      )
    },
  )
}

/** Causes and effects of a thing up to so many steps away, with the edges between them. */
async function graphAround(lineage: Lineage, from: Ref, depth: number) {
  const walks = [await lineage.walkBack(from), await lineage.walkForward(from)]
  const near = walks.flatMap(({ stations }) => stations.filter((each) => each.depth <= depth))
  const nodes = new Map(
    near.map(({ ref, depth: steps }) => [keyOf(ref), { node: keyOf(ref), ...ref, depth: steps }]),
  )
  const edges = new Map(
    walks
      .flatMap((walk) => walk.edges)
      .filter((edge) => nodes.has(keyOf(edge.from)) && nodes.has(keyOf(edge.to)))
      .map((edge) => [`${edge.position} ${keyOf(edge.from)} ${keyOf(edge.to)}`, edge]),
  )
  return {
    node: keyOf(from),
    nodes: [...nodes.values()],
    edges: [...edges.values()],
    cut: walks.some(({ cut }) => cut),
  }
}

function keyOf({ kind, id }: Ref): string {
  return `${kind}:${id}`
}

function refIn(node: string): Ref {
  const { kind, id } = nodeIn(node)
  return { kind: kindOf(kind), id }
}

/** What can be purged; the graph keeps it, and says so. */
const PURGEABLE: ReadonlySet<RefKind> = new Set(['run', 'model-version'])

async function walkToWire(walk: Walk, purgeOf: NonNullable<TraceParts['purgeOf']>) {
  const stations = walk.stations.toSorted(
    (a, b) => CHAIN.indexOf(a.ref.kind) - CHAIN.indexOf(b.ref.kind) || a.depth - b.depth,
  )
  const chain = await Promise.all(
    stations.map(async ({ ref, depth, via }): Promise<StationWire> => {
      const purge = PURGEABLE.has(ref.kind) ? await purgeOf(ref) : undefined
      const shown = { kind: ref.kind, id: ref.id, depth, via }
      if (purge === undefined) return shown
      const purged = { at: new Date(purge.atMs).toISOString(), by: purge.by }
      return Object.assign({ purged }, shown)
    }),
  )
  return { chain, cut: walk.cut, edges: walk.edges, entries: walk.entries.map(entryToWire) }
}

function kindOf(text: string): RefKind {
  const kind = CHAIN.find((each) => each === text)
  if (kind !== undefined) return kind
  throw new Problem(
    'invalid',
    `kind is ${JSON.stringify(text)}; it must be one of ${CHAIN.join(', ')}`,
  )
}
