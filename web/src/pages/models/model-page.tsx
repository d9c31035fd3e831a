import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { VersionWire } from '#protocols/api/models-wire'
import { modelQuery } from '#web/api/models.ts'
import { moment } from '#web/ui/format.ts'
import { SiteHeader } from '#web/ui/site-header.tsx'
import { AsOf } from './as-of.tsx'
import { History } from './history.tsx'
import type { ModelLook } from './look.ts'

/** A model: its versions as they are or were, and its history. */
export function ModelPage() {
  const { model: name } = useParams({ from: '/models/$model' })
  const look: ModelLook = useSearch({ from: '/models/$model' })
  const navigate = useNavigate()
  const change = (part: ModelLook) =>
    void navigate({
      to: '/models/$model',
      params: { model: name },
      search: { ...look, ...part },
      replace: true,
    })
  const { data, error } = useQuery(modelQuery(name, look.asOf))
  return (
    <>
      <SiteHeader />
      <main className="mx-auto flex max-w-5xl flex-col gap-4 p-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-xl font-semibold wrap-anywhere">{name}</h1>
          <AsOf value={look.asOf} onChange={(asOf) => change({ asOf })} />
        </div>
        {data !== undefined && data.model.name !== name ? (
          <p className="text-ink-2">It was called {data.model.name} then.</p>
        ) : null}
        {data === undefined || data.model.note === '' ? null : <p>{data.model.note}</p>}
        <div className="flex gap-1 border-b border-line">
          {([undefined, 'history'] as const).map((tab) => (
            <button
              key={tab ?? 'versions'}
              type="button"
              aria-pressed={look.tab === tab}
              className="-mb-px min-h-8 cursor-pointer border-b-2 border-transparent px-3 text-sm text-ink-2 hover:text-ink aria-pressed:border-accent aria-pressed:text-ink"
              onClick={() => change({ tab })}
            >
              {tab === undefined ? 'Versions' : 'History'}
            </button>
          ))}
        </div>
        {look.tab === 'history' ? (
          <History model={name} />
        ) : error === null ? (
          <Versions versions={data?.versions ?? []} />
        ) : (
          <p role="alert" className="text-bad">
            {error.message}
          </p>
        )}
      </main>
    </>
  )
}

function Versions({ versions }: { versions: readonly VersionWire[] }) {
  if (versions.length === 0) return <p className="text-ink-2">It has no version.</p>
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-sm">
        <caption className="sr-only">Versions</caption>
        <thead>
          <tr className="border-b border-line text-left">
            {['Version', 'Aliases', 'Stage', 'Registered', 'Tags'].map((head) => (
              <th key={head} scope="col" className="px-2 py-1.5 font-medium">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {versions.map((version) => (
            <tr key={version.version} className="border-b border-line align-top">
              <th scope="row" className="px-2 py-1.5 text-left font-medium">
                {version.version}
              </th>
              <td className="px-2 py-1.5">
                {version.aliases.map((alias) => `@${alias}`).join(' ') || '–'}
              </td>
              <td className="px-2 py-1.5">{version.stage}</td>
              <td className="px-2 py-1.5 whitespace-nowrap">{moment(version.created)}</td>
              <td className="px-2 py-1.5 wrap-anywhere">
                {version.tags.map(({ key, value }) => `${key} = ${value}`).join(', ') || '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
