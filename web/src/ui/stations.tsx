import { Link } from '@tanstack/react-router'
import type { StationWire } from '#protocols/api/lineage-wire'
import { EntryLink } from './entry-link.tsx'
import { moment, shortened, spoken } from './format.ts'
import { LINK } from './page.tsx'

/** A walk through the lineage, a station a line, each with the way to its page where it has one. */
export function Stations({
  chain,
  isCut,
}: {
  chain: readonly StationWire[]
  /** There is more than the server walks through. */
  isCut: boolean
}) {
  return (
    <>
      <ol className="flex flex-col text-sm">
        {chain.map((station) => (
          <li
            key={`${station.kind} ${station.id}`}
            className="flex flex-wrap items-baseline gap-x-3 border-t border-line py-1.5 first:border-t-0"
          >
            <span className="w-32 shrink-0 text-xs text-ink-3">{spoken(station.kind)}</span>
            <Name {...station} />
            {station.purged === undefined ? null : (
              <span className="text-xs text-ink-3">
                purged {moment(station.purged.at)} by {station.purged.by}
              </span>
            )}
            {station.via === null ? null : (
              <span className="ml-auto text-xs text-ink-3">
                {station.via.relation.replaceAll('-', ' ')},{' '}
                <EntryLink entry={station.via.position}>entry {station.via.position}</EntryLink>
              </span>
            )}
          </li>
        ))}
      </ol>
      {isCut ? <p className="text-xs text-ink-3">There is more than is shown here.</p> : null}
    </>
  )
}

const LOOK = `${LINK} min-w-0 wrap-anywhere`

function Name({ kind, id }: StationWire) {
  const slash = id.lastIndexOf('/')
  const [before, behind] = [id.slice(0, slash), id.slice(slash + 1)]
  switch (kind) {
    case 'run':
      return (
        <Link data-row="" to="/runs/$run" params={{ run: id }} search={{}} className={LOOK}>
          {id.slice(0, 12)}
        </Link>
      )
    case 'pipeline-run':
      return (
        <Link data-row="" to="/pipelines/$run" params={{ run: id }} search={{}} className={LOOK}>
          {id}
        </Link>
      )
    case 'model-version':
      return (
        <Link
          data-row=""
          to="/models/$model"
          params={{ model: before }}
          search={{}}
          className={LOOK}
        >
          {before} v{behind}
        </Link>
      )
    case 'revision':
      return (
        <Link data-row="" to="/endpoints/$endpoint" params={{ endpoint: before }} className={LOOK}>
          {before}, revision {behind}
        </Link>
      )
    case 'endpoint':
      return (
        <Link data-row="" to="/endpoints/$endpoint" params={{ endpoint: id }} className={LOOK}>
          {id}
        </Link>
      )
    case 'window':
      return (
        <Link
          data-row=""
          to="/endpoints/$endpoint/monitoring"
          params={{ endpoint: before }}
          search={{ window: behind }}
          className={LOOK}
        >
          {before}, {behind.slice(0, 10)}
        </Link>
      )
    case 'commit':
    case 'environment':
      return <Code words={shortened(id, 12)} id={id} />
    case 'dataset-version':
      return <DatasetName id={id} />
    default:
      return <Code words={id} id={id} />
  }
}

/** `flights/data/raw@58adf2febd1d1862e027442a94f59013.dir`; single files may be code, which has no page. */
function DatasetName({ id }: { id: string }) {
  const [, project = '', path = '', version = ''] = /^([^/]+)\/(.+)@([^@]+)$/.exec(id) ?? []
  if (path === '') return <Code words={id} id={id} />
  const words = `${path} @ ${shortened(version)}`
  if (!version.endsWith('.dir')) return <Code words={words} id={id} />
  return (
    <Link
      data-row=""
      to="/data/$project/$path"
      params={{ project, path }}
      search={{ version }}
      title={id}
      className={LOOK}
    >
      {words}
    </Link>
  )
}

function Code({ words, id }: { words: string; id: string }) {
  return (
    <code className="min-w-0 text-xs wrap-anywhere" title={id}>
      {words}
    </code>
  )
}
