import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Problem } from '#base/problem'
import type { Ref, RefKind } from '#ledger'
import type { Lineage, Walk } from '#lineage'
import { entryToWire } from './ledger.ts'

/** A logged prediction as the walk back begins from it. */
export interface TracedPrediction {
  readonly revision: Ref
  /** The prediction as the REST API shows it. */
  readonly shown: Readonly<Record<string, unknown>>
}

export interface TraceParts {
  readonly lineage: Lineage
  /** Throws `not-found`. */
  tracedPrediction(id: string): Promise<TracedPrediction>
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

export function lineageRoutes(
  app: FastifyInstance,
  { lineage, tracedPrediction, purgeOf = async () => undefined }: TraceParts,
): void {
  const shownWalk = (walk: Walk) => walkToWire(walk, purgeOf)
  app.get<{ Params: { id: string } }>(
    '/predictions/:id/trace',
    {
      schema: {
        summary: 'Walk one prediction back to its model version, run, commit, environment and data',
        params: Type.Object({ id: Type.String() }),
      },
    },
    async ({ params }) => {
      const { revision, shown } = await tracedPrediction(params.id)
      return { prediction: shown, ...(await shownWalk(await lineage.walkBack(revision))) }
    },
  )
  app.get<{ Querystring: { kind: string; id: string; direction: 'back' | 'forward' } }>(
    '/lineage',
    {
      schema: {
        summary: 'Walk from a named thing or digest to its causes, or to what came of it',
        querystring: Type.Object({
          kind: Type.String({ description: `One of ${CHAIN.join(', ')}.` }),
          id: Type.String(),
          direction: Type.Union([Type.Literal('back'), Type.Literal('forward')], {
            default: 'back',
          }),
        }),
      },
    },
    async ({ query }) => {
      const from = { kind: kindOf(query.kind), id: query.id }
      return shownWalk(
        await (query.direction === 'back' ? lineage.walkBack(from) : lineage.walkForward(from)),
      )
    },
  )
}

/** What can be purged; the graph keeps it, and says so. */
const PURGEABLE: ReadonlySet<RefKind> = new Set(['run', 'model-version'])

async function walkToWire(walk: Walk, purgeOf: NonNullable<TraceParts['purgeOf']>) {
  const stations = walk.stations.toSorted(
    (a, b) => CHAIN.indexOf(a.ref.kind) - CHAIN.indexOf(b.ref.kind) || a.depth - b.depth,
  )
  const chain = await Promise.all(
    stations.map(async ({ ref, depth, via }) => {
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
