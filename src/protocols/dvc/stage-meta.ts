import { isMap, type ParamMap, type ParamValue, type Resources, type Stage } from '#stages'
import { pythonText } from './python.ts'
import { pinOf } from './stage-pin.ts'
import { TemplateFault } from './template.ts'

/** A time as people write it: `90s`, `10m`, `1.5h`; a bare number is seconds. Undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim())
  if (match === null) return undefined
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? 's'] ?? 1000
  return Number(match[1]) * unit
}

/** What a stage's `meta` says to orrery: the one place where DVC lets us say more. Other keys are others'. */
export function stageMetaOf(
  meta: ParamValue | undefined,
): Pick<
  Stage,
  'timeoutMs' | 'resources' | 'retries' | 'approval' | 'junit' | 'environment' | 'pin'
> {
  const said: ParamMap = isMap(meta) ? meta : new Map()
  return {
    timeoutMs: timeIn(said, 'timeout', 'meta.timeout'),
    resources: resourcesOf(said.get('resources')),
    retries: retriesOf(said.get('retries')),
    approval: approvalOf(said.get('approval')),
    junit: junitOf(said.get('junit')),
    environment: environmentOf(said.get('environment')),
    pin: pinOf(said.get('pin')),
  }
}

/** The name of one of the environments that orrery.yaml declares. */
function environmentOf(value: ParamValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw new TemplateFault(
    `meta.environment must be the name of an environment that orrery.yaml declares under environments`,
  )
}

const RETRY_WAIT_MS = 1000

/** A number, or `{ times: 3, wait: 10s }`. */
function retriesOf(value: ParamValue | undefined): Stage['retries'] {
  if (value === undefined || value === null) return undefined
  const said: ParamMap = isMap(value) ? value : new Map([['times', value]])
  refuseOthers(said, 'meta.retries', ['times', 'wait'])
  const times = numberIn(said, 'times', 'meta.retries.times') ?? 0
  if (!Number.isInteger(times) || times > 100)
    throw new TemplateFault(`meta.retries.times ${times} must be a whole number up to 100`)
  return { times, waitMs: timeIn(said, 'wait', 'meta.retries.wait') ?? RETRY_WAIT_MS }
}

/** `true`, what is asked as text, or `{ message: …, timeout: 2d }`. */
function approvalOf(value: ParamValue | undefined): Stage['approval'] {
  if (value === undefined || value === null || value === false) return undefined
  if (value === true) return { message: null, timeoutMs: null }
  if (typeof value === 'string') return { message: value, timeoutMs: null }
  if (!isMap(value))
    throw new TemplateFault(
      `meta.approval must be true, a text, or a map, for example { message: "Deploy it?", timeout: 2d }`,
    )
  refuseOthers(value, 'meta.approval', ['message', 'timeout'])
  const message = value.get('message') ?? null
  if (message !== null && typeof message !== 'string')
    throw new TemplateFault('meta.approval.message must be a text')
  return { message, timeoutMs: timeIn(value, 'timeout', 'meta.approval.timeout') ?? null }
}

/** A path, or `false` for outputs that are XML and no reports. */
function junitOf(value: ParamValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  if (value === false) return ''
  if (typeof value === 'string' && value !== '' && !/^[/\\]|(^|[/\\])\.\.([/\\]|$)/.test(value))
    return value
  throw new TemplateFault(
    'meta.junit must be the path of a report inside the folder of the stage, or false',
  )
}

function resourcesOf(value: ParamValue | undefined): Resources | undefined {
  if (value === undefined || value === null) return undefined
  if (!isMap(value))
    throw new TemplateFault(`meta.resources must be a map, for example { cpu: 1, memory: 2GB }`)
  refuseOthers(value, 'meta.resources', ['cpu', 'memory', 'gpu'])
  const cpus = numberIn(value, 'cpu', 'meta.resources.cpu')
  const gpus = numberIn(value, 'gpu', 'meta.resources.gpu')
  if (gpus !== undefined && !Number.isInteger(gpus))
    throw new TemplateFault(`meta.resources.gpu ${gpus} must be a whole number`)
  const memoryBytes = memoryOf(value.get('memory'))
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(gpus === undefined ? {} : { gpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  }
}

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
}

/** Bytes, or as people and Kubernetes write them: 500MB, 2GB, 4Gi. */
function memoryOf(value: ParamValue | undefined): number | undefined {
  if (value === undefined || value === null) return undefined
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(pythonText(value).trim()) ?? []
  const bytes =
    BYTES[
      unit
        .toLowerCase()
        .replace(/ib$/, 'i')
        .replace(/^([kmgt])$/, '$1b')
    ]
  if (count === undefined || bytes === undefined)
    throw new TemplateFault(
      `meta.resources.memory '${pythonText(value)}' is no size; write for example 500MB or 4Gi`,
    )
  return Number(count) * bytes
}

function numberIn(map: ParamMap, key: string, where: string): number | undefined {
  const value = map.get(key)
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && number >= 0 && Number.isFinite(number)) return number
  throw new TemplateFault(`${where} '${pythonText(value)}' is no number from 0 up`)
}

export function timeIn(map: ParamMap, key: string, where: string): number | undefined {
  const value = map.get(key)
  if (value === undefined || value === null) return undefined
  const duration = durationMs(pythonText(value))
  if (duration === undefined || duration <= 0)
    throw new TemplateFault(
      `${where} '${pythonText(value)}' is no time; write for example 10m or 90s`,
    )
  return duration
}

/** A word that is misspelt would be silently without effect. */
export function refuseOthers(map: ParamMap, where: string, known: readonly string[]): void {
  for (const key of map.keys())
    if (!known.includes(String(key)))
      throw new TemplateFault(`${where}.${String(key)} is not known; there are ${known.join(', ')}`)
}
