import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { VersionWire } from '#protocols/api/models-wire'
import { modelQuery } from '#web/api/models.ts'
import { Command, Empty } from '#web/ui/command.tsx'
import { shortened } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { LINK, Page, tabClass, Trouble } from '#web/ui/page.tsx'
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
    <Page
      title={name}
      above={
        <Link to="/models" search={{}} className={LINK} data-up="">
          Models
        </Link>
      }
      aside={<AsOf value={look.asOf} onChange={(asOf) => change({ asOf })} />}
      lead={data?.model.note === '' ? undefined : data?.model.note}
    >
      {data !== undefined && data.model.name !== name ? (
        <p className="text-ink-2">It was called {data.model.name} then.</p>
      ) : null}
      <div className="flex gap-1 border-b border-line">
        {([undefined, 'history'] as const).map((tab) => (
          <button
            key={tab ?? 'versions'}
            type="button"
            aria-pressed={look.tab === tab}
            className={`cursor-pointer ${tabClass(look.tab === tab)}`}
            onClick={() => change({ tab })}
          >
            {tab === undefined ? 'Versions' : 'History'}
          </button>
        ))}
      </div>
      {look.tab === 'history' ? (
        <History model={name} />
      ) : error !== null ? (
        <Trouble error={error} />
      ) : data === undefined ? null : (
        <>
          <Versions name={name} versions={data.versions} />
          {data.versions.length === 0 ? null : <Use name={name} versions={data.versions} />}
        </>
      )}
    </Page>
  )
}

const HEADS = ['Version', 'Aliases', 'Stage', 'Registered', 'Run', 'Source', 'Digest', 'Tags']

function Versions({ name, versions }: { name: string; versions: readonly VersionWire[] }) {
  if (versions.length === 0)
    return (
      <Empty
        why="It has no version yet. Give it one:"
        commands={[`mlflow.register_model("runs:/RUN_ID/model", ${JSON.stringify(name)})`]}
      />
    )
  return (
    <section
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-label="Versions"
      className="overflow-x-auto rounded-xl border border-line bg-surface"
    >
      <table className="w-full text-[0.8125rem]">
        <caption className="sr-only">Versions, newest first</caption>
        <thead>
          <tr className="text-left text-xs text-ink-3">
            {HEADS.map((head) => (
              <th key={head} scope="col" className="px-3 py-2 font-medium">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {versions.map((version) => (
            <VersionRow key={version.version} version={version} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function VersionRow({ version }: { version: VersionWire }) {
  const { runId, digest, source } = version
  const cell = 'border-t border-line px-3 py-2 align-top'
  return (
    <tr id={`v${version.version}`} className="hover:bg-sunken">
      <th scope="row" className={`${cell} min-w-24 text-left font-medium`}>
        {version.version}
        {version.note === '' ? null : (
          <p className="max-w-56 font-normal wrap-anywhere text-ink-3">{version.note}</p>
        )}
      </th>
      <td className={cell}>{version.aliases.map((alias) => `@${alias}`).join(' ') || '–'}</td>
      <td className={cell}>{version.stage}</td>
      <td className={`${cell} whitespace-nowrap`}>
        <Moment time={version.created} />
      </td>
      <td className={cell}>
        {runId === null ? (
          '–'
        ) : (
          <Link
            data-row=""
            to="/runs/$run"
            params={{ run: runId }}
            search={{}}
            className={`${LINK} font-mono text-xs`}
          >
            {shortened(runId, 12)}
          </Link>
        )}
      </td>
      <td className={`${cell} max-w-56 truncate font-mono text-xs`} title={source}>
        {source}
      </td>
      <td className={`${cell} font-mono text-xs`} title={digest ?? undefined}>
        {digest === null ? '–' : shortened(digest)}
      </td>
      <td className={`${cell} wrap-anywhere`}>
        {version.tags.map(({ key, value }) => `${key} = ${value}`).join(', ') || '–'}
      </td>
    </tr>
  )
}

/** The line that loads what somebody would want of it. */
function Use({ name, versions }: { name: string; versions: readonly VersionWire[] }) {
  const aliases = versions.flatMap((version) => version.aliases)
  const alias = aliases.find((each) => each === 'champion') ?? aliases[0]
  const which = alias === undefined ? `/${versions[0]?.version ?? 1}` : `@${alias}`
  return (
    <div className="flex max-w-2xl flex-col gap-2">
      <p className="text-sm text-ink-2">Load it:</p>
      <Command text={`mlflow.pyfunc.load_model(${JSON.stringify(`models:/${name}${which}`)})`} />
    </div>
  )
}
