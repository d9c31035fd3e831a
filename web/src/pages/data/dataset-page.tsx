import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { ChartColumn, FileCheck, History, Terminal, Waypoints } from 'lucide-react'
import {
  dataRunsQuery,
  datasetQuery,
  dataVersionsQuery,
  profileQuery,
  type DataName,
} from '#web/api/data.ts'
import { Card } from '#web/ui/card.tsx'
import { Command } from '#web/ui/command.tsx'
import { counted } from '#web/ui/format.ts'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { Contracts, DatasetRuns } from './dataset-runs.tsx'
import { Look } from './look.tsx'
import { Versions } from './versions.tsx'
import type { DatasetView } from './view.ts'

/** One dataset: its versions, what they hold and how that changed, and who used them. */
export function DatasetPage() {
  const name = useParams({ from: '/data/$project/$path' })
  const { data: dataset, error } = useQuery(datasetQuery(name))
  return (
    <Page
      title={name.path}
      above={
        <Link to="/data" search={{}} data-up="" className={LINK}>
          Data
        </Link>
      }
      lead={
        dataset === undefined ? null : (
          <>
            {dataset.kind === 'made' ? 'Made by a stage' : 'Tracked'} in the project{' '}
            {dataset.project}; {counted(dataset.versions, 'version')} on record.
          </>
        )
      }
    >
      <Trouble error={error} />
      {dataset === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {dataset === undefined ? null : <Parts name={name} newest={dataset.newest.version} />}
    </Page>
  )
}

function Parts({ name, newest }: { name: DataName; newest: string }) {
  const view: DatasetView = useSearch({ from: '/data/$project/$path' })
  const navigate = useNavigate()
  const versions = useInfiniteQuery(dataVersionsQuery(name))
  const used = useInfiniteQuery(dataRunsQuery(name))
  const all = versions.data?.pages.flatMap((page) => page.versions) ?? []
  const runs = used.data?.pages.flatMap((page) => page.runs)
  const version = view.version ?? newest
  const profile = useQuery({
    ...profileQuery(name, version),
    placeholderData: keepPreviousData,
  })
  // All at once, so that nothing that somebody reads is pushed away by what comes later.
  if (versions.isPending || used.isPending || profile.isPending)
    return <Waiting>Asking the server…</Waiting>
  const look = (part: DatasetView) =>
    void navigate({
      to: '/data/$project/$path',
      params: name,
      search: { ...view, ...part },
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <Card id="versions" title="Versions" Icon={History}>
        <Trouble error={versions.error} />
        <Versions versions={all} chosen={version} onChoose={(each) => look({ version: each })} />
        {versions.hasNextPage ? (
          <More words="Earlier versions" onClick={() => void versions.fetchNextPage()} />
        ) : null}
      </Card>
      <Card id="profile" title="What it holds" Icon={ChartColumn}>
        <Look name={name} versions={all} view={{ ...view, version }} onLook={look} />
      </Card>
      <Card id="contracts" title="Contracts" Icon={FileCheck}>
        <Contracts runs={runs} path={name.path} />
      </Card>
      <Card id="runs" title="Read and made by" Icon={Waypoints}>
        <Trouble error={used.error} />
        <DatasetRuns runs={runs} />
        {used.hasNextPage ? (
          <More words="Earlier runs" onClick={() => void used.fetchNextPage()} />
        ) : null}
      </Card>
      <Card id="code" title="The same by command" Icon={Terminal}>
        <Commands name={name} view={{ ...view, version }} versions={all} />
      </Card>
    </>
  )
}

function More({ words, onClick }: { words: string; onClick: () => void }) {
  return (
    <button type="button" className="button self-start" onClick={onClick}>
      {words}
    </button>
  )
}

/** The lines that show the same in the project's folder. */
function Commands(parts: {
  name: DataName
  view: DatasetView
  versions: readonly { version: string; commit: string | null }[]
}) {
  const { name, view, versions } = parts
  const commitOf = (version: string | undefined) =>
    versions.find((each) => each.version === version)?.commit?.slice(0, 12)
  const [now, before] = [commitOf(view.version), commitOf(view.old)]
  const path = /^[\w./-]+$/.test(name.path) ? name.path : `'${name.path.replaceAll("'", `'\\''`)}'`
  return (
    <div className="flex flex-col gap-2">
      <Command text={`orrery datasets show ${name.project} ${path}`} />
      <Command text={`orrery profile ${path}${now === undefined ? '' : ` --rev ${now}`}`} />
      {before === undefined ? null : (
        <Command text={`orrery diff --rows ${before} ${now ?? 'HEAD'} ${path} --key KEY`} />
      )}
    </div>
  )
}
