import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { modelsQuery } from '#web/api/models.ts'
import { counted } from '#web/ui/format.ts'
import { Empty } from '#web/ui/command.tsx'
import { Page, Trouble } from '#web/ui/page.tsx'
import { AsOf } from './as-of.tsx'

/** The registered models as they are, or as they were at the end of a day. */
export function ModelsPage() {
  const { asOf } = useSearch({ from: '/models' })
  const navigate = useNavigate()
  const { data, error } = useQuery(modelsQuery(asOf))
  return (
    <Page
      title="Models"
      lead="Registered models, as they are or as they were at the end of a day."
      aside={
        <AsOf
          value={asOf}
          onChange={(day) =>
            void navigate({ to: '/models', search: day === undefined ? {} : { asOf: day } })
          }
        />
      }
    >
      <Trouble error={error} />
      {data?.models.length === 0 && asOf === undefined ? (
        <Empty
          why="No model is registered yet. Log one with a name:"
          commands={['mlflow.sklearn.log_model(model, name="model", registered_model_name="late")']}
        />
      ) : null}
      {data?.models.length === 0 && asOf !== undefined ? (
        <p className="text-ink-2">No model was registered then.</p>
      ) : null}
      <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2 lg:grid-cols-3">
        {data?.models.map(({ name, note, versions, newest, aliases }) => (
          <li
            key={name}
            className="flex flex-col gap-1 rounded-xl border border-line bg-surface p-4"
          >
            <Link
              data-row=""
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
            {note === '' ? null : (
              <p className="line-clamp-2 text-[0.8125rem] wrap-anywhere text-ink-3">{note}</p>
            )}
          </li>
        ))}
      </ul>
    </Page>
  )
}
