import { Type, type Static } from 'typebox'
import { Name, strict } from './config-words.ts'

/** Each says by itself which packages there are. */
const SOURCES = ['requirements', 'uv_lock', 'pyproject', 'conda_lock', 'image'] as const

const File = Type.String({ minLength: 1, maxLength: 1000 })
const Word = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: 100 })

/** What stages run in. */
export const EnvironmentSchema = Type.Object(
  {
    python: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9>=<~][A-Za-z0-9>=<~!*., @+_/-]*$' })),
    requirements: Type.Optional(File),
    uv_lock: Type.Optional(File),
    pyproject: Type.Optional(File),
    conda_lock: Type.Optional(File),
    image: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][\\w./:@-]*$', maxLength: 500 })),
    engine: Type.Optional(Type.Union([Type.Literal('podman'), Type.Literal('docker')])),
    /** Of a uv_lock or a pyproject. */
    extras: Type.Optional(Type.Array(Word, { maxItems: 100 })),
    groups: Type.Optional(Type.Array(Word, { maxItems: 100 })),
  },
  strict,
)

/** Further environments, by the name that a stage calls them by. */
export const EnvironmentsSchema = Type.Record(Name, EnvironmentSchema)

export type EnvironmentConfig = Static<typeof EnvironmentSchema>

/** What the shape alone does not show. */
export function environmentProblems(config: {
  readonly environment?: EnvironmentConfig
  readonly environments?: Readonly<Record<string, EnvironmentConfig>>
}): string[] {
  const named = Object.entries(config.environments ?? {}).map(
    ([name, declared]) => [`environments.${name}`, declared] as const,
  )
  return [
    ...(config.environment === undefined ? [] : [['environment', config.environment] as const]),
    ...named,
  ].flatMap(([where, declared]) => problemsOf(declared).map((problem) => `${where}: ${problem}`))
}

function problemsOf(declared: EnvironmentConfig): string[] {
  const given = SOURCES.filter((source) => declared[source] !== undefined)
  const problems: string[] = []
  if (given.length > 1)
    problems.push(`it can be made from one of ${given.join(' and ')} only; take the others out`)
  if (given.length === 0 && declared.python === undefined)
    problems.push(`it says nothing to make it from; name one of ${SOURCES.join(', ')}, or a python`)
  const groups = declared.extras ?? declared.groups
  if (groups !== undefined && declared.uv_lock === undefined && declared.pyproject === undefined)
    problems.push('extras and groups are of a uv_lock or a pyproject')
  if (declared.engine !== undefined && declared.image === undefined)
    problems.push('engine is what an image is run with')
  const brings = declared.image !== undefined || declared.conda_lock !== undefined
  if (declared.python !== undefined && brings)
    problems.push(`${given.join()} brings its own Python; take python out`)
  return problems
}
