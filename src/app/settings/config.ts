import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { messageOf, Problem } from '#base/problem'
import { isPostgresUrl, withoutSecrets } from '#stores/sql/postgres/url'
import { environment } from './environment.ts'

function defaultEnvironments(variables: Readonly<Record<string, string | undefined>>): string {
  const cache = variables['XDG_CACHE_HOME'] ?? join(variables['HOME'] ?? homedir(), '.cache')
  return join(cache, 'orrery', 'environments')
}

/** Every setting of the server: its default, its unit, and what it does. Flags win over environment over file. */
export const ConfigSchema = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      description:
        'Address to listen on. Only loopback is allowed while there is no authentication.',
    }),
    port: Type.Integer({
      default: 4680,
      minimum: 0,
      maximum: 65_535,
      description: 'TCP port; 0 takes a free one.',
    }),
    home: Type.String({
      default: '.orrery',
      description: 'Folder that holds everything the server keeps.',
    }),
    database: Type.String({
      default: '',
      pattern: '^$|^postgres(ql)?://',
      description:
        'Where the metadata is kept: postgres://user:password@host:port/database. By default a SQLite file in the home.',
    }),
    keys: Type.String({
      default: '',
      description:
        'Folder of the keys that sign the ledger and seal secrets; servers on one database share it. By default <home>/keys.',
    }),
    replicaUrl: Type.String({
      default: '',
      pattern: '^$|^https?://[^/?#@]+$',
      description:
        'Where other servers on the same database reach this one. By default the address that it listens on.',
    }),
    takeLead: Type.Boolean({
      default: false,
      description:
        'Whether this server may lead in place of one that has ended, although its home holds the prediction log.',
    }),
    logLevel: Type.Union(
      (['debug', 'info', 'warn', 'error', 'silent'] as const).map((level) => Type.Literal(level)),
      {
        default: 'info',
        description: 'Least level of log lines, one JSON object each on standard error.',
      },
    ),
    allowedHosts: Type.String({
      default: '',
      description: 'Further Host names to answer to, separated by commas.',
    }),
    bodyBytesMax: Type.Integer({
      default: 64 * 1024 * 1024,
      minimum: 1024,
      description: 'Largest request body in bytes, artifacts excepted.',
    }),
    servingInflightBytes: Type.Integer({
      default: 512 * 1024 * 1024,
      minimum: 1024,
      description:
        'Bytes of bodies that the serving port takes in at once; a request beyond that is answered with 503 and Retry-After.',
    }),
    servingPort: Type.Integer({
      default: 4681,
      minimum: 0,
      maximum: 65_535,
      description:
        'TCP port of every prediction protocol over HTTP, besides the port of the server; 0 takes a free one when the first prediction is asked for.',
    }),
    grpcPort: Type.Integer({
      default: 4682,
      minimum: 0,
      maximum: 65_535,
      description: 'TCP port of the prediction protocols over gRPC; 0 takes a free one.',
    }),
    servingProcesses: Type.Integer({
      default: 8,
      minimum: 1,
      description:
        'Processes that ONNX models which are loaded on demand share; those that are pinned have one each.',
    }),
    servingMemoryMb: Type.Integer({
      default: 0,
      minimum: 0,
      description:
        'Memory in MiB that the processes of models may take together; beyond, endpoints that are loaded on demand are let go, the longest unused first. 0 is half of what the machine has.',
    }),
    defaultEndpoint: Type.String({
      default: '',
      description:
        'Endpoint that answers requests at the root of servingPort which name none, as SageMaker and Azure send them; empty is the only one there is.',
    }),
    inferenceTimeoutMs: Type.Integer({
      default: 10_000,
      minimum: 1,
      description:
        'A model that has not answered after this many milliseconds is ended and restarted.',
    }),
    modelMemoryBytesMax: Type.Integer({
      default: 4 * 1024 ** 3,
      minimum: 64 * 1024 ** 2,
      description:
        'What a process that runs models may take in bytes; a call that needs more is refused.',
    }),
    modelPython: Type.String({
      default: '',
      description:
        'Path of a Python that runs models which are not ONNX, and converts them. By default an environment is built for each by its requirements.',
    }),
    stageTimeoutMs: Type.Integer({
      default: 3_600_000,
      minimum: 1000,
      description: 'A pipeline stage that runs longer is ended with all its processes.',
    }),
    pipelineRunsMax: Type.Integer({
      default: 2,
      minimum: 1,
      maximum: 1000,
      description:
        'Runs of pipelines that go on at once on this server; further ones wait for their turn.',
    }),
    stageLogDays: Type.Number({
      default: 90,
      minimum: 1,
      maximum: 36_500,
      description: 'Days that what stages of pipelines printed is kept in the home.',
    }),
    journalSyncMs: Type.Integer({
      default: 50,
      minimum: 1,
      maximum: 60_000,
      description:
        'Milliseconds until an answered prediction is on the disk: what a power failure may lose. Endpoints with `log: { mode: durable }` lose none.',
    }),
    accessLog: Type.Boolean({
      default: false,
      description: 'Whether each request for a prediction makes a log line, of level info.',
    }),
    accessLogSample: Type.Number({
      default: 1,
      minimum: 0,
      maximum: 1,
      description: 'The share of requests that make a line in the access log.',
    }),
    otlpEndpoint: Type.String({
      default: '',
      pattern: '^$|^https?://[^?#]+$',
      description:
        'Collector that gets traces of predictions by OTLP over HTTP, as http://host:4318. Empty traces nothing.',
    }),
    otlpSample: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description: 'The share of requests that are traced where their caller does not say.',
    }),
    sealRows: Type.Integer({
      default: 100_000,
      minimum: 1,
      description: 'Predictions in an open segment before it is sealed to Parquet.',
    }),
    watchIntervalMs: Type.Integer({
      default: 60_000,
      minimum: 0,
      description:
        'How often the origins of projects and the tables that policies wait for are looked at; 0 looks only when a hook tells of a push.',
    }),
    environments: Type.String({
      default: defaultEnvironments(environment),
      description:
        'Folder of the Python environments that pipelines and models run in, built once each.',
    }),
    webhookSchemes: Type.String({
      default: 'https',
      pattern: '^https?(,https?)?$',
      description:
        'Schemes that URLs of webhooks may have, separated by commas: https, or https,http.',
    }),
    webhookAllowPrivate: Type.Boolean({
      default: false,
      description: 'Whether webhooks may go to loopback and private addresses.',
    }),
    artifactsDestination: Type.String({
      default: '',
      description:
        'Where artifacts that go through the server, models and sealed segments are kept: a folder or s3://bucket/prefix. By default <home>/objects.',
    }),
    defaultArtifactRoot: Type.String({
      default: '',
      description:
        'Where new experiments keep their files: s3://bucket/prefix or a folder, which clients then write by themselves. By default the server itself.',
    }),
    serveArtifacts: Type.Boolean({
      default: true,
      description: 'Whether clients may send artifacts to and get them from the server.',
    }),
    trashDays: Type.Number({
      default: 30,
      minimum: 0,
      maximum: 36_500,
      description:
        'Days that what was deleted can be restored before it is purged; 0 purges it at once.',
    }),
    objectGraceMs: Type.Integer({
      default: 24 * 60 * 60 * 1000,
      minimum: 60_000,
      description:
        'Bytes that nothing refers to are freed this many milliseconds after they were last put; longer than any upload takes.',
    }),
    drainMs: Type.Integer({
      default: 10_000,
      minimum: 0,
      description: 'How long a stop waits for open requests.',
    }),
  },
  { additionalProperties: false },
)

export type Config = Static<typeof ConfigSchema>
export type ConfigKey = keyof Config

/** A setting as people may see it, and where its value came from. */
export interface Origin {
  readonly key: ConfigKey
  readonly value: Config[ConfigKey]
  readonly from: 'default' | 'file' | 'environment' | 'flag'
}

export { environment }

export interface LoadedConfig {
  readonly config: Config
  readonly origins: readonly Origin[]
}

/** What the same setting is called where `mlflow server` is run, and by OpenTelemetry. */
const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  otlpEndpoint: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  webhookSchemes: 'MLFLOW_WEBHOOK_ALLOWED_SCHEMES',
  webhookAllowPrivate: 'MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS',
}

/** The name of a setting's environment variable: `logLevel` is `ORRERY_LOG_LEVEL`. */
export function variableOf(key: string): string {
  return `ORRERY_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** Compiles flags, environment and `<home>/config.yaml` into settings without gaps. Throws an `invalid` problem that names what is wrong. */
export function loadConfig(
  flags: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, string | undefined>> = environment,
): LoadedConfig {
  const keys = Object.keys(ConfigSchema.properties) as ConfigKey[]
  // An empty variable is the shell's way of not setting it.
  const variable = (key: string) =>
    variables[variableOf(key)] || variables[OTHER_VARIABLES[key] ?? ''] || undefined
  const home = homeIn(flags['home'] ?? variable('home') ?? describe('home').default)
  const file = fileSettings(join(home, 'config.yaml'))
  const origins = keys.map((key): Origin => {
    const layers = [
      ['flag', flags[key]],
      ['environment', variable(key)],
      ['file', file[key]],
    ] as const
    const [from, raw] = layers.find(([, value]) => value !== undefined) ?? [
      'default',
      describe(key).default,
    ]
    return { key, from, value: key === 'home' ? home : checked(key, raw, from) }
  })
  const besides = origins.map((origin) => besideFreePort(origin, origins))
  const config = Object.fromEntries(besides.map(({ key, value }) => [key, value])) as Config
  return { config, origins: besides.map(shown) }
}

/** Whoever takes a free port for the server means free ones for predictions, unless the settings say which. */
function besideFreePort(origin: Origin, origins: readonly Origin[]): Origin {
  const isBeside = origin.key === 'servingPort' || origin.key === 'grpcPort'
  if (!isBeside || origin.from !== 'default') return origin
  return origins.find(({ key }) => key === 'port')?.value === 0 ? { ...origin, value: 0 } : origin
}

/** The database that the settings name: a URL, or a file in the home. */
export function databaseOf({ database, home }: Pick<Config, 'database' | 'home'>): string {
  return isPostgresUrl(database) ? database : join(home, 'orrery.db')
}

function shown(origin: Origin): Origin {
  return origin.key === 'database' && origin.value !== ''
    ? { ...origin, value: withoutSecrets(String(origin.value)) }
    : origin
}

/** The default and the sentence of a setting. */
export function describe(key: ConfigKey): { default: unknown; description: string } {
  return ConfigSchema.properties[key] as unknown as { default: unknown; description: string }
}

function homeIn(given: unknown): string {
  if (typeof given === 'string' && given !== '') return resolve(given)
  throw new Problem('invalid', `home is ${JSON.stringify(given)}; give one folder`)
}

function fileSettings(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {}
  const settings = parsedYaml(path)
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new Problem('invalid', `${path} must hold settings as "key: value" lines`)
  if (Object.hasOwn(settings, 'home'))
    throw new Problem(
      'invalid',
      `${path} cannot say where home is, for it lies there; use --home or ${variableOf('home')}`,
    )
  const unknownKey = Object.keys(settings).find(
    (key) => !Object.hasOwn(ConfigSchema.properties, key),
  )
  if (unknownKey !== undefined)
    throw new Problem(
      'invalid',
      `${path} has the setting ${unknownKey}, which does not exist; see "orrery doctor" for those that do`,
    )
  return settings as Record<string, unknown>
}

function parsedYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    throw new Problem('invalid', `${path} is not YAML: ${messageOf(error)}`)
  }
}

function checked(key: ConfigKey, raw: unknown, from: string): Config[ConfigKey] {
  const schema = ConfigSchema.properties[key]
  const value = typeof raw === 'string' ? meantBy(raw, schema) : raw
  if (!Value.Check(schema, value))
    throw new Problem(
      'invalid',
      `${key} (from ${from}) is ${toldOf(key, raw)}; it must be ${expectation(schema)}. ${describe(key).description}`,
    )
  return value
}

/** The number or truth value that a text means where one is wanted, else the text itself, for the check to refuse. */
function meantBy(text: string, schema: object): string | number | boolean {
  const type = 'type' in schema ? schema.type : undefined
  if (type === 'integer' && /^\s*-?\d+\s*$/.test(text)) return Number(text)
  if (type === 'number' && /^\s*-?\d+(\.\d+)?\s*$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  return text
}

function toldOf(key: ConfigKey, raw: unknown): string {
  // What was nearly a URL may hold a password all the same.
  if (key === 'database') return JSON.stringify(withoutSecrets(String(raw)))
  return Number.isNaN(raw) ? 'no number' : JSON.stringify(raw)
}

function expectation(schema: object): string {
  const { type, pattern, minimum, maximum, anyOf } = schema as {
    type?: string
    pattern?: string
    minimum?: number
    maximum?: number
    anyOf?: { const: string }[]
  }
  if (anyOf !== undefined) return `one of ${anyOf.map((each) => each.const).join(', ')}`
  const bounds = [
    minimum === undefined ? '' : `at least ${minimum}`,
    maximum === undefined ? '' : `at most ${maximum}`,
  ].filter(Boolean)
  if (type === 'boolean') return 'true or false'
  if (pattern !== undefined) return 'written as follows'
  return [type === 'integer' ? 'a whole number' : `a ${type}`, ...bounds].join(', ')
}
