import { useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { useState } from 'react'
import { beginningQuery, fileAddress, type Begun, type FilesOf } from '#web/api/artifacts.ts'
import { CodeBlock } from '#web/ui/command.tsx'
import { bytes, count } from '#web/ui/format.ts'
import { Trouble, Waiting } from '#web/ui/page.tsx'
import { kindOf, tableIn, type Table } from './file-kinds.ts'

const ROWS_MAX = 200

/**
 * A look into a file that somebody uploaded. Nothing in it is trusted: text is set as text, pictures are only ever
 * sources of `img` (where a drawing runs no script), and a page is shown in a frame that may do nothing.
 */
export function Preview({ of, path }: { of: FilesOf; path: string }) {
  const address = fileAddress(of, path)
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="min-w-0 text-[0.8125rem] font-medium wrap-anywhere">{path}</h3>
        <a href={address} download={path.split('/').at(-1)} className="button">
          <Download aria-hidden size={14} />
          Download
        </a>
      </div>
      {kindOf(path) === 'picture' ? (
        <Picture address={address} path={path} />
      ) : kindOf(path) === 'other' ? (
        <p className="text-sm text-ink-2">A file of this kind is not shown here; download it.</p>
      ) : (
        <Text of={of} path={path} />
      )}
    </div>
  )
}

function Picture({ address, path }: { address: string; path: string }) {
  const [failed, setFailed] = useState(false)
  if (failed) return <p className="text-sm text-ink-2">This is not a picture that can be shown.</p>
  return (
    <img
      src={address}
      alt={path}
      className="max-h-[32rem] max-w-full self-start rounded-lg border border-line bg-white object-contain"
      onError={() => setFailed(true)}
    />
  )
}

function Text({ of, path }: { of: FilesOf; path: string }) {
  const { data, error } = useQuery(beginningQuery(of, path))
  if (error !== null) return <Trouble error={error} />
  if (data === undefined) return <Waiting>Reading the file…</Waiting>
  if (!data.isText)
    return (
      <p className="text-sm text-ink-2">This is no text: {bytes(data.sizeBytes)} to download.</p>
    )
  if (data.sizeBytes === 0) return <p className="text-sm text-ink-2">The file is empty.</p>
  return (
    <>
      {data.isWhole ? null : (
        <p className="text-xs text-ink-3">
          The beginning of {bytes(data.sizeBytes)}; download the file to read all of it.
        </p>
      )}
      {kindOf(path) === 'page' ? (
        <PageOf path={path} begun={data} />
      ) : (
        <Shown path={path} begun={data} />
      )}
    </>
  )
}

function Shown({ path, begun }: { path: string; begun: Begun }) {
  const table = tableIn(path, begun.text, begun.isWhole)
  if (table !== undefined) return <TableOf path={path} table={table} />
  return (
    <CodeBlock name={path} text={kindOf(path) === 'json' ? indented(begun.text) : begun.text} />
  )
}

/** A page as its source, or drawn where it has no script, no form, and an origin of its own. */
function PageOf({ path, begun }: { path: string; begun: Begun }) {
  const [drawn, setDrawn] = useState(false)
  return (
    <>
      <label className="flex items-center gap-2 text-sm">
        <input type="checkbox" checked={drawn} onChange={() => setDrawn(!drawn)} />
        Draw it, without its scripts
      </label>
      {drawn ? (
        <iframe
          title={path}
          sandbox=""
          referrerPolicy="no-referrer"
          srcDoc={begun.text}
          className="h-[32rem] w-full rounded-lg border border-line bg-white"
        />
      ) : (
        <CodeBlock name={path} text={begun.text} />
      )}
    </>
  )
}

function TableOf({ path, table }: { path: string; table: Table }) {
  const rows = table.rows.slice(0, ROWS_MAX)
  return (
    <>
      <section
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label={path}
        className="max-h-[32rem] overflow-auto rounded-lg border border-line"
      >
        <table className="w-full border-collapse text-xs">
          <thead className="sticky top-0 bg-sunken">
            <tr>
              {table.columns.map((column, at) => (
                // Columns of a file may share a name; their place is what tells them apart.
                // oxlint-disable-next-line react/no-array-index-key
                <th key={at} scope="col" className="px-2 py-1.5 text-left font-medium">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              // oxlint-disable-next-line react/no-array-index-key
              <tr key={at} className="border-t border-line">
                {table.columns.map((_, place) => (
                  <td
                    // oxlint-disable-next-line react/no-array-index-key
                    key={place}
                    className="max-w-80 truncate px-2 py-1 font-mono"
                  >
                    {row[place] ?? ''}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {table.rows.length > ROWS_MAX ? (
        <p className="text-xs text-ink-3">
          The first {ROWS_MAX} of {count(table.rows.length)} rows that were read.
        </p>
      ) : null}
    </>
  )
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    // Half a document, or none at all: as it is written.
    return text
  }
}
