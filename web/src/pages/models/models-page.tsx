import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { modelsQuery } from '#web/api/models.ts'
import { counted } from '#web/ui/format.ts'
import { Empty } from '#web/ui/command.tsx'
import { SiteHeader } from '#web/ui/site-header.tsx'
import { AsOf } from './as-of.tsx'

/** The registered models as they are, or as they were at the end of a day. */
export function ModelsPage() {
  const { asOf } = useSearch({ from: '/models' })
  const navigate = useNavigate()
  const { data, error } = useQuery(modelsQuery(asOf))
  return (
    <>
      <SiteHeader />
      <main className="mx-auto flex max-w-5xl flex-col gap-4 p-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-xl font-semibold">Models</h1>
          <AsOf
            value={asOf}
            onChange={(day) =>
              void navigate({ to: '/models', search: day === undefined ? {} : { asOf: day } })
            }
          />
        </div>
        {error === null ? null : (
          <p role="alert" className="text-bad">
            {error.message}
          </p>
        )}
        {data?.models.length === 0 && asOf === undefined ? (
          <Empty
            why="No model is registered yet. Log one with a name:"
            commands={[
              'mlflow.sklearn.log_model(model, name="model", registered_model_name="late")',
            ]}
          />
        ) : null}
        {data?.models.length === 0 && asOf !== undefined ? (
          <p className="text-ink-2">No model was registered then.</p>
        ) : null}
        <ul className="flex flex-col gap-2">
          {data?.models.map(({ name, versions, newest, aliases }) => (
            <li key={name} className="rounded-lg border border-line bg-surface p-3">
              <Link
                to="/models/$model"
                params={{ model: name }}
                search={asOf === undefined ? {} : { asOf }}
                className="font-medium text-accent underline-offset-2 hover:underline"
              >
                {name}
              </Link>
              <p className="text-sm text-ink-2">
                {counted(versions, 'version')}
                {newest === null ? '' : `, the newest is ${newest}`}
                {aliases.map(({ alias, version }) => ` · @${alias} = ${version}`).join('')}
              </p>
            </li>
          ))}
        </ul>
      </main>
    </>
  )
}
