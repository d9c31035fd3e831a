import { useMutation } from '@tanstack/react-query'
import { explained, type ExplanationShown, type PredictionShown } from '#web/api/prediction.ts'
import { count } from '#web/ui/format.ts'
import { Trouble } from '#web/ui/page.tsx'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { said } from './values.tsx'

/** How much each input moved the answer, on request: the model is asked thousands of times for it. */
export function Explanation({ prediction }: { prediction: PredictionShown }) {
  const explaining = useMutation({ mutationFn: () => explained(prediction) })
  if (explaining.data !== undefined)
    return <Bars explanation={explaining.data} inputs={prediction.inputs} />
  return (
    <div className="flex flex-col items-start gap-3">
      <p className="max-w-prose text-sm text-ink-2">
        The version that answered is asked again, with other values in place of each input, until it
        shows how much each of them moved the answer.
      </p>
      <button
        type="button"
        className="button"
        disabled={explaining.isPending}
        onClick={() => explaining.mutate()}
      >
        {explaining.isPending ? 'Asking the model…' : 'Explain'}
      </button>
      <Trouble error={explaining.error} />
    </div>
  )
}

const HEADS = ['Input', 'Value', 'Moved the answer']

function Bars({
  explanation,
  inputs,
}: {
  explanation: ExplanationShown
  inputs: PredictionShown['inputs']
}) {
  const { columns, outputs, rows, background, method, note } = explanation
  const [output] = outputs
  const values = rows[0]?.values[0] ?? []
  if (output === undefined)
    return <p className="text-sm text-ink-2">There is nothing to explain.</p>
  const moved = columns
    .map((name, at) => ({ name, by: values[at] ?? 0 }))
    .toSorted((one, other) => Math.abs(other.by) - Math.abs(one.by))
  const most = Math.max(...moved.map(({ by }) => Math.abs(by)), Number.MIN_VALUE)
  return (
    <div className="flex flex-col gap-3">
      <p className="max-w-prose text-sm text-ink-2">
        {output.name} is {rounded(rows[0]?.answers[0] ?? 0)}; of {count(background.rows)}{' '}
        {background.rows === 1 ? 'row' : 'rows'} of the {background.from} it is{' '}
        {rounded(output.base)} on average. What each input adds leads from one to the other.
      </p>
      <table className="w-full text-[0.8125rem]">
        <caption className="sr-only">Inputs, those that moved the answer most first</caption>
        <thead>
          <tr>
            {HEADS.map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
            <th scope="col" className={`${HEAD} text-right`}>
              By
            </th>
          </tr>
        </thead>
        <tbody>
          {moved.map(({ name, by }) => (
            <tr key={name}>
              <th scope="row" className={`${CELL} text-left font-medium wrap-anywhere`}>
                {name}
              </th>
              <td className={`${CELL} max-w-40 truncate`}>{said(inputs[name])}</td>
              <td className={`${CELL} w-1/2`}>
                <Bar share={by / most} />
              </td>
              <td className={NUMBER}>{`${by > 0 ? '+' : ''}${rounded(by)}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="text-xs text-ink-3">
        Shapley values by {method}
        {note === undefined ? '' : `: ${note}`}.
      </p>
    </div>
  )
}

/** To the right of the middle what raises the answer, to the left what lowers it. */
function Bar({ share }: { share: number }) {
  const width = `${Math.abs(share) * 50}%`
  const side = share < 0 ? { right: '50%', width } : { left: '50%', width }
  return (
    <div aria-hidden className="relative h-4 min-w-24">
      <div className="absolute inset-y-0 left-1/2 w-px bg-line-strong" />
      <div
        className={`absolute inset-y-0.5 rounded-sm ${share < 0 ? 'bg-chart-drift-over' : 'bg-chart-auc'}`}
        style={side}
      />
    </div>
  )
}

function rounded(value: number): string {
  return value.toPrecision(3)
}
