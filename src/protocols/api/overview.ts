import type { FastifyInstance } from 'fastify'
import type { Ledger } from '#ledger'
import { entryToWire } from './ledger.ts'
import { isoOf, newestOf } from './overview-facts.ts'
import { makingFrom } from './overview-making.ts'
import { championFrom, endpointsFrom, promotionsFrom, registeredFrom } from './overview-serving.ts'
import { marksFrom, monitorsFrom, policyRunsFrom } from './overview-watching.ts'
import { OverviewWire, TrafficWire } from './overview-wire.ts'

/** What an endpoint has answered lately. */
export interface EndpointTraffic {
  readonly endpoint: string
  readonly requestsPerSecond: number
  readonly rowsPerSecond: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** What the overview is composed from: the ledger, and a look at the traffic of this moment. */
export interface OverviewParts {
  readonly version: string
  readonly ledger: Ledger
  traffic?(this: void): Promise<readonly EndpointTraffic[]>
}

const NEWEST_ENTRIES = 25

/** The loop as it stands, for the page `/`. */
export function overviewRoutes(app: FastifyInstance, parts: OverviewParts): void {
  const current = overviewOf(parts)
  app.get(
    '/overview',
    {
      schema: { summary: 'The loop as it stands', response: { 200: OverviewWire } },
      serializerCompiler: plainJson,
    },
    async (request, reply) => {
      const { tag, overview } = await current()
      void reply.header('etag', tag).header('cache-control', 'no-cache')
      if (request.headers['if-none-match'] !== tag) return overview
      reply.statusCode = 304
      return reply.send()
    },
  )
  app.get(
    '/overview/traffic',
    {
      schema: { summary: 'What endpoints answer now', response: { 200: TrafficWire } },
      serializerCompiler: plainJson,
    },
    async (_, reply) => {
      void reply.header('cache-control', 'no-store')
      return { endpoints: [...((await parts.traffic?.()) ?? [])] }
    },
  )
}

/** The schema describes the answer; a serializer compiled from it would cost each start of the server 40 ms. */
const plainJson = () => (data: unknown) => JSON.stringify(data)

/**
 * The overview is a function of the ledger and its signed head alone, so it is made once for each state
 * of them, however many pages look on.
 */
function overviewOf({ version, ledger }: OverviewParts) {
  let known: { tag: string; overview: Promise<OverviewWire> } | undefined
  return async () => {
    const [size, signed] = await Promise.all([ledger.read.size(), ledger.read.newestCheckpoint()])
    const tag = `"${version}-${size}-${signed?.size ?? 0}"`
    if (known?.tag !== tag) {
      const head = {
        size,
        signed: signed === undefined ? null : { size: signed.size, at: isoOf(signed.atMs) },
      }
      const overview = composed({ version, ledger }, head)
      known = { tag, overview }
      // A failure is answered to those who wait for it, and not to those who come later.
      overview.catch(() => {
        if (known?.overview === overview) known = undefined
      })
    }
    return { tag, overview: await known.overview }
  }
}

async function composed(
  { version, ledger }: OverviewParts,
  head: Omit<OverviewWire['ledger'], 'newest'>,
): Promise<OverviewWire> {
  const { read } = ledger
  const newest = newestOf(read)
  const promotions = await promotionsFrom(newest)
  const [making, champion, registered, endpoints, monitors, marks, policyRuns, entries] =
    await Promise.all([
      makingFrom(newest),
      championFrom(newest, promotions),
      registeredFrom(newest),
      endpointsFrom(newest),
      monitorsFrom(newest),
      marksFrom(newest),
      policyRunsFrom({ newest, read }, promotions),
      read.newest({ limit: NEWEST_ENTRIES }),
    ])
  return {
    version,
    ...making,
    champion,
    registered,
    promotions: promotions.map(({ wire }) => wire),
    endpoints,
    monitors,
    marks,
    policyRuns,
    ledger: { ...head, newest: entries.map(entryToWire) },
  }
}
