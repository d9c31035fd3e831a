import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { loggedModelQuery, registeredQuery, type DatasetWire } from '#web/api/run.ts'
import { Command, Empty } from '#web/ui/command.tsx'
import { count } from '#web/ui/format.ts'
import { LINK } from '#web/ui/page.tsx'

/** The models that the run logged, and what they were registered as. */
export function Models({ runId, outputs }: { runId: string; outputs: readonly string[] }) {
  const logged = useQueries({ queries: outputs.map((id) => loggedModelQuery(id)) })
  const registered = useQuery(registeredQuery(runId))
  const versions = registered.data ?? []
  if (outputs.length === 0 && versions.length === 0)
    return (
      <Empty
        why="It has logged no model. Inside the run:"
        commands={['mlflow.sklearn.log_model(model, name="model")']}
      />
    )
  return (
    <div className="flex flex-col gap-3 text-sm">
      <ul className="flex flex-col gap-2">
        {outputs.map((id, at) => (
          <li key={id} className="flex flex-wrap items-baseline gap-x-3">
            <span className="font-medium">{logged[at]?.data?.info.name ?? id}</span>
            <code className="text-xs text-ink-3">{id}</code>
          </li>
        ))}
        {versions.map(({ name, version, current_stage }) => (
          <li key={`${name} ${version}`} className="flex flex-wrap items-baseline gap-x-3">
            <Link
              data-row=""
              to="/models/$model"
              params={{ model: name }}
              search={{}}
              className={LINK}
            >
              {name} v{version}
            </Link>
            <span className="text-xs text-ink-3">
              registered
              {current_stage === undefined || current_stage === 'None'
                ? ''
                : `, ${current_stage.toLowerCase()}`}
            </span>
            <Link
              to="/models/$model"
              params={{ model: name }}
              search={{ tab: 'history' }}
              className={`${LINK} text-xs`}
            >
              History<span className="sr-only"> of {name}</span>
            </Link>
          </li>
        ))}
      </ul>
      {outputs[0] === undefined || versions.length > 0 ? null : (
        <Command text={`mlflow.register_model("models:/${outputs[0]}", "NAME")`} />
      )}
    </div>
  )
}

/** What the run read. */
export function Datasets({ datasets }: { datasets: readonly DatasetWire[] }) {
  if (datasets.length === 0)
    return (
      <p className="text-sm text-ink-2">
        It names no dataset. mlflow.log_input(dataset, context=&quot;training&quot;) names one.
      </p>
    )
  return (
    <ul className="flex flex-col gap-3 text-sm">
      {datasets.map(({ dataset, tags = [] }) => (
        <li
          key={`${dataset.name} ${dataset.digest} ${tags.map(({ value }) => value).join()}`}
          className="flex flex-col"
        >
          <span>
            <span className="font-medium">{dataset.name}</span>{' '}
            <code className="text-xs text-ink-3">{dataset.digest}</code>{' '}
            {tags
              .filter(({ key }) => key === 'mlflow.data.context')
              .map(({ value }) => (
                <span key={value} className="text-ink-2">
                  for {value}
                </span>
              ))}
          </span>
          <span className="text-xs wrap-anywhere text-ink-3">{aboutDataset(dataset)}</span>
        </li>
      ))}
    </ul>
  )
}

function aboutDataset({ source, profile, schema }: DatasetWire['dataset']): string {
  const rows = jsonIn(profile)['num_rows']
  const columns = jsonIn(schema)['mlflow_colspec']
  const uri = jsonIn(source)
  const where = [uri['uri'], uri['url'], uri['path']].find((each) => typeof each === 'string')
  return [
    where ?? source,
    typeof rows === 'number' ? `${count(rows)} rows` : undefined,
    Array.isArray(columns) ? `${count(columns.length)} columns` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' · ')
}

function jsonIn(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
