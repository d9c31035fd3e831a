import type { Values } from '#web/api/prediction.ts'
import { CELL } from '#web/ui/table.ts'

/** Names with their values, a line each. */
export function ValueTable({ name, values }: { name: string; values: Values }) {
  return (
    <table className="w-full text-[0.8125rem]">
      <caption className="sr-only">{name}</caption>
      <tbody>
        {Object.entries(values).map(([column, value]) => (
          <tr key={column}>
            <th scope="row" className={`${CELL} w-1/3 text-left font-medium wrap-anywhere`}>
              {column}
            </th>
            <td className={`${CELL} wrap-anywhere tabular-nums`}>
              <div className="max-h-40 overflow-y-auto">{said(value)}</div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

export function said(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}
