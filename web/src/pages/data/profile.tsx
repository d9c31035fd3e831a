import type { ColumnWire, ProfileWire } from '#protocols/api/data-wire'
import { bytes, count, counted } from '#web/ui/format.ts'
import { Bars, TopValues } from './bars.tsx'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { distinctSaid, nullsSaid, rangeSaid, said } from './cells.ts'

/** What a version holds, column by column. */
export function Profile({ profile }: { profile: ProfileWire }) {
  const { rows, files, sizeBytes, sampledRows, columns } = profile
  return (
    <>
      <p className="text-sm text-ink-2">
        {counted(rows, 'row')}, {counted(columns.length, 'column')}, {counted(files, 'file')},{' '}
        {bytes(sizeBytes)}.
        {sampledRows < rows
          ? ` Quantiles, histograms and frequent values are of ${count(sampledRows)} rows chosen by chance.`
          : ''}
      </p>
      <section
        aria-label="Columns"
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="overflow-x-auto"
      >
        <table className="w-full text-[0.8125rem]">
          <thead>
            <tr>
              <th scope="col" className={HEAD}>
                Column
              </th>
              {['Nulls', 'Distinct', 'Range', 'Mean'].map((name) => (
                <th key={name} scope="col" className={`${HEAD} text-right`}>
                  {name}
                </th>
              ))}
              <th scope="col" className={HEAD}>
                Quartiles
              </th>
              <th scope="col" className={HEAD}>
                Values
              </th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <ColumnRow key={column.name} column={column} profile={profile} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

function ColumnRow({ column, profile }: { column: ColumnWire; profile: ProfileWire }) {
  return (
    <tr>
      <th scope="row" className={`${CELL} text-left font-medium`}>
        <span className="wrap-anywhere">{column.name}</span>
        <span className="block text-xs font-normal text-ink-3">{column.type}</span>
      </th>
      <td className={NUMBER}>{nullsSaid(column, profile.rows)}</td>
      <td className={NUMBER}>{distinctSaid(column)}</td>
      <td className={`${NUMBER} max-w-64 whitespace-normal wrap-anywhere`}>{rangeSaid(column)}</td>
      <td className={NUMBER}>{said(column.mean)}</td>
      <td className={`${CELL} text-xs whitespace-nowrap text-ink-2 tabular-nums`}>
        {[0.25, 0.5, 0.75]
          .flatMap((share) => column.quantiles.find((each) => each.share === share) ?? [])
          .map(({ share, value }) => (
            <span key={share} className="block">
              <span className="text-ink-3">{share * 100} %</span> {said(value)}
            </span>
          ))}
      </td>
      <td className={`${CELL} min-w-52`}>
        <Values column={column} sampledRows={profile.sampledRows} />
      </td>
    </tr>
  )
}

export function Values({ column, sampledRows }: { column: ColumnWire; sampledRows: number }) {
  if (column.histogram !== null) return <Bars {...column.histogram} />
  if (column.top.length === 0) return <span className="text-ink-3">–</span>
  const rows = Math.max(1, sampledRows)
  return (
    <TopValues values={column.top.map(({ value, count: of }) => ({ value, share: of / rows }))} />
  )
}
