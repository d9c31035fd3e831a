import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { EntryWire } from '#protocols/api/ledger-wire'
import type { OverviewWire } from '#protocols/api/overview-wire'
import { overviewQuery, trafficQuery, type Traffic } from '#web/api/queries.ts'
import { useLive } from '#web/api/use-live.ts'
import { useTitle } from '#web/ui/page.tsx'
import { DataCard } from './data-card.tsx'
import { DriftCard } from './drift-card.tsx'
import { EndpointCard } from './endpoint-card.tsx'
import { LedgerCard } from './ledger-card.tsx'
import { LoopRing } from './loop-ring.tsx'
import { ModelCard } from './model-card.tsx'
import { MonitorsCard } from './monitors-card.tsx'
import { OpenAlerts } from './open-alerts.tsx'
import { PageHeader } from './page-header.tsx'
import { PipelineCard } from './pipeline-card.tsx'
import { PoliciesCard } from './policies-card.tsx'
import { stationOf, stationsOf, type StationId } from './stations.ts'
import { headlineOf } from './summary.ts'
import { wordsFor } from './words.ts'

const NO_TRAFFIC: readonly Traffic[] = []

const AT_REST = { refetchInterval: false, refetchOnWindowFocus: false } as const

/** The loop as it stands. */
export function LoopPage() {
  const [paused, setPaused] = useState(false)
  const overview = useQuery({ ...overviewQuery, ...(paused ? AT_REST : {}) })
  const traffic = useQuery({ ...trafficQuery, ...(paused ? AT_REST : {}) })
  const { live, fresh } = useLive(overview.data?.ledger.size, paused)
  useTitle('Home')
  const projects = overview.data?.projects.map(({ project }) => project) ?? []
  return (
    <>
      <PageHeader projects={projects} live={live} onPause={() => setPaused(!paused)} />
      <main
        id="content"
        tabIndex={-1}
        className="mx-auto flex max-w-[77.5rem] flex-col gap-6 px-4 pt-6 pb-12 outline-none sm:px-6"
      >
        <div className="flex flex-col gap-2">
          <h1 className="text-2xl font-semibold tracking-tight">The loop as it stands</h1>
          {overview.data === undefined ? null : (
            <p className="max-w-prose text-ink-2">{headlineOf(overview.data)}</p>
          )}
        </div>
        {overview.data === undefined ? (
          <Waiting error={overview.error} />
        ) : (
          <Loop overview={overview.data} traffic={traffic.data ?? NO_TRAFFIC} fresh={fresh} />
        )}
      </main>
      <PageFooter version={overview.data?.version} />
      <Announcer fresh={fresh} />
    </>
  )
}

function Loop({
  overview,
  traffic,
  fresh,
}: {
  overview: OverviewWire
  traffic: readonly Traffic[]
  fresh: readonly EntryWire[]
}) {
  const stations = useMemo(() => stationsOf(overview, traffic), [overview, traffic])
  const pulses = useMemo(() => pulsesOf(fresh), [fresh])
  return (
    <>
      <OpenAlerts overview={overview} />
      <LoopRing overview={overview} stations={stations} pulses={pulses} />
      <div className="grid grid-cols-1 gap-4 md:grid-cols-2 lg:grid-cols-12">
        <DataCard overview={overview} className="lg:col-span-3" />
        <PipelineCard overview={overview} className="lg:col-span-4" />
        <ModelCard overview={overview} className="md:col-span-2 lg:col-span-5" />
        <EndpointCard
          overview={overview}
          traffic={traffic}
          className="md:col-span-2 lg:col-span-4"
        />
        <MonitorsCard overview={overview} className="md:col-span-2 lg:col-span-8 lg:row-span-2" />
        <DriftCard overview={overview} className="md:col-span-2 lg:col-span-4" />
        <PoliciesCard overview={overview} className="md:col-span-2 lg:col-span-6 lg:self-start" />
        <LedgerCard
          overview={overview}
          fresh={fresh}
          className="md:col-span-2 lg:col-span-6 lg:self-start"
        />
      </div>
    </>
  )
}

/** How often each station has seen something happen; a new number makes its place answer once. */
function pulsesOf(fresh: readonly EntryWire[]): Partial<Record<StationId, number>> {
  const pulses: Partial<Record<StationId, number>> = {}
  for (const entry of fresh.toReversed()) {
    const station = stationOf(entry.type)
    if (station !== undefined) pulses[station] = entry.position + 1
  }
  return pulses
}

function Waiting({ error }: { error: Error | null }) {
  return error === null ? (
    <output className="py-24 text-center text-ink-3">Reading the ledger…</output>
  ) : (
    <p role="alert" className="rounded-lg bg-bad-tint px-4 py-3 text-bad">
      The server cannot be asked now: {error.message}. The page tries again by itself; “orrery
      doctor” tells how the server is.
    </p>
  )
}

const WORTH_SAYING = new Set([
  'promotion-accepted',
  'promotion-refused',
  'alert-raised',
  'alert-cleared',
  'policy-fired',
  'rollout-failed',
])

/** Says aloud what a person would be told about; reading out every entry would drown it. */
function Announcer({ fresh }: { fresh: readonly EntryWire[] }) {
  const newest = fresh.find((entry) => WORTH_SAYING.has(entry.type))
  return (
    <p aria-live="polite" className="sr-only">
      {newest === undefined ? '' : wordsFor(newest)}
    </p>
  )
}

function PageFooter({ version }: { version: string | undefined }) {
  const link = 'underline underline-offset-2 hover:text-ink'
  return (
    <footer className="mx-auto flex max-w-[77.5rem] flex-wrap gap-x-4 gap-y-1 px-4 pb-10 text-xs text-ink-3 sm:px-6">
      <span>Orrery {version ?? ''}</span>
      <a href="/api/v1/openapi.json" className={link}>
        API description
      </a>
      <a href="/api/v1/overview" className={link}>
        This page as JSON
      </a>
      <a href="/api/v1/ledger/checkpoint" className={link}>
        Signed head
      </a>
      <a href="/licenses.md" className={link}>
        Licences
      </a>
    </footer>
  )
}
