import type { NotedVersionWire } from '#protocols/api/data-wire'
import { bytes, count, shortened } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'

/** The versions, the newest first; one of them is looked into below. */
export function Versions(parts: {
  versions: readonly NotedVersionWire[]
  chosen: string
  onChoose: (version: string) => void
}) {
  const { versions, chosen, onChoose } = parts
  return (
    <section
      aria-label="Versions, newest first"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full text-[0.8125rem]">
        <thead>
          <tr>
            {['Version', 'Commit', 'What its author said', 'On record'].map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
            {['Size', 'Files'].map((name) => (
              <th key={name} scope="col" className={`${HEAD} text-right`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {versions.map((each) => (
            <tr key={each.position} className={each.version === chosen ? 'bg-sunken' : ''}>
              <td className={CELL}>
                <button
                  type="button"
                  data-row=""
                  aria-pressed={each.version === chosen}
                  title={each.version}
                  className="min-h-6 cursor-pointer font-mono text-xs text-accent underline underline-offset-2"
                  onClick={() => onChoose(each.version)}
                >
                  {shortened(each.version)}
                </button>
              </td>
              <td
                className={`${CELL} font-mono text-xs text-ink-2`}
                title={each.commit ?? undefined}
              >
                {each.commit === null ? '–' : shortened(each.commit)}
              </td>
              <td className={`${CELL} min-w-56`}>
                <Said version={each} />
              </td>
              <td className={`${CELL} whitespace-nowrap text-ink-2`}>
                <Moment time={each.added} />
              </td>
              <td className={NUMBER}>{each.sizeBytes === null ? '–' : bytes(each.sizeBytes)}</td>
              <td className={NUMBER}>{each.files === null ? '–' : count(each.files)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Said({ version }: { version: NotedVersionWire }) {
  const { author, message, committed } = version
  if (message === null) return <span className="text-ink-3">–</span>
  const [subject = '', ...rest] = message.split('\n')
  return (
    <>
      <p className="wrap-anywhere">{subject}</p>
      {rest.join('').trim() === '' ? null : (
        <p className="line-clamp-2 wrap-anywhere text-ink-3">{rest.join('\n').trim()}</p>
      )}
      <p className="text-xs text-ink-3">
        {author}
        {committed === null ? null : (
          <>
            , <Moment time={committed} />
          </>
        )}
      </p>
    </>
  )
}
