import { printExactJson, type ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { Parameters } from './request.ts'

/** What the parameters of a request ask of this server; all others are the model's own. */
export interface Wishes {
  /** How long the caller waits. */
  readonly deadlineMs: number | undefined
  /** NaN and infinities may be answered as texts. */
  readonly allowsNan: boolean
  /** Outputs that do not say it themselves are sent as bytes. */
  readonly binary: boolean
  readonly contentType: string | undefined
  /** Why the model answered as it did is told with the answer. */
  readonly explain: boolean
  readonly params: Parameters | undefined
}

const OURS = new Set([
  'allow_nan',
  'binary_data_output',
  'content_type',
  'explain',
  'headers',
  'priority',
  'sequence_end',
  'sequence_id',
  'sequence_start',
  'timeout',
])

const NONE: Wishes = {
  deadlineMs: undefined,
  allowsNan: false,
  binary: false,
  contentType: undefined,
  explain: false,
  params: undefined,
}

/** Throws `invalid` for what cannot be granted. */
export function wishesIn(parameters: Parameters): Wishes {
  const keys = Object.keys(parameters)
  if (keys.length === 0) return NONE
  refuseSequences(parameters)
  const own = keys.filter((key) => !OURS.has(key) && !key.startsWith('triton_'))
  return {
    deadlineMs: deadlineIn(parameters['timeout']),
    allowsNan: allowsNan(parameters['allow_nan']),
    binary: parameters['binary_data_output'] === true,
    contentType: contentTypeIn(parameters),
    explain: isAskedWhy(parameters['explain']),
    params:
      own.length === 0
        ? undefined
        : Object.fromEntries(own.map((key) => [key, wholeApart(parameters[key] as ExactJson)])),
  }
}

/** Parameters do not say how a number was written: one without a fraction is a whole one. */
function wholeApart(value: ExactJson): ExactJson {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return (value as readonly ExactJson[]).map(wholeApart)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, wholeApart(each)]))
}

function refuseSequences(parameters: Parameters): void {
  const { sequence_id: id, sequence_start: starts, sequence_end: ends } = parameters
  const isNone = id === undefined || id === 0 || id === ''
  if (isNone && starts !== true && ends !== true) return
  throw new Problem(
    'invalid',
    'nothing is kept between the requests of a sequence here; send whole requests, without sequence_id',
  )
}

/** Microseconds; 0 is the model's own limit. */
function deadlineIn(timeout: ExactJson | undefined): number | undefined {
  if (timeout === undefined || timeout === 0) return undefined
  const microseconds = typeof timeout === 'bigint' ? Number(timeout) : timeout
  if (typeof microseconds === 'number' && Number.isInteger(microseconds) && microseconds > 0)
    return microseconds / 1000
  throw new Problem(
    'invalid',
    `the parameter timeout is ${told(timeout)}; it must be a whole number of microseconds`,
  )
}

function allowsNan(how: ExactJson | undefined): boolean {
  if (how === undefined || how === false) return false
  if (how === 'string') return true
  throw new Problem('invalid', `the parameter allow_nan is ${told(how)}; it may be "string"`)
}

function isAskedWhy(explain: ExactJson | undefined): boolean {
  if (explain === undefined || typeof explain === 'boolean') return explain ?? false
  throw new Problem('invalid', `the parameter explain is ${told(explain)}; it may be true or false`)
}

const CONTENT_TYPES = ['np', 'pd', 'str', 'base64', 'datetime']

/** The codec of a request, an input or an output. */
export function contentTypeIn(parameters: Parameters): string | undefined {
  const type = parameters['content_type']
  if (type === undefined || type === null || type === '') return undefined
  if (typeof type === 'string' && CONTENT_TYPES.includes(type)) return type
  throw new Problem(
    'invalid',
    `the content_type ${told(type)} is not read here; there are ${CONTENT_TYPES.join(', ')}`,
  )
}

function told(value: ExactJson): string {
  return typeof value === 'object' && value !== null ? 'a list or object' : printExactJson(value)
}
