import { printExactJson, type ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { instantMs } from './event.ts'
import type { ParamSpec } from './signature.ts'

type Params = Readonly<Record<string, ExactJson>>

/**
 * What a model is given for a request's parameters, by MLflow's rules: those that it declares, each of its
 * type, with defaults for the ones that were not sent; others are left out. Without a declaration there are
 * none. Throws an `invalid` problem that names each one that does not fit.
 */
export function paramsFor(
  declared: readonly ParamSpec[] | undefined,
  sent: Params | undefined,
): Params | undefined {
  if (declared === undefined || declared.length === 0) return undefined
  const wrong: string[] = []
  const given = declared.flatMap((spec): [string, ExactJson][] => {
    const value = sent !== undefined && Object.hasOwn(sent, spec.name) ? sent[spec.name] : undefined
    // MLflow fills in what is left out; NaN, which JSON cannot say, only it knows.
    if (value === undefined)
      return (spec.default ?? null) === null ? [] : [[spec.name, spec.default as ExactJson]]
    const cast = castParam(value, spec)
    if (cast === undefined)
      wrong.push(`${spec.name} is ${shown(value)}, which is no ${described(spec)}`)
    return [[spec.name, cast ?? null]]
  })
  if (wrong.length > 0)
    throw new Problem('invalid', `Invalid parameters found: ${wrong.join('; ')}`, {
      signature: 'form',
    })
  return Object.fromEntries(given)
}

/** The value as its declared type; undefined when it is none. */
function castParam(value: ExactJson, { type, shape }: ParamSpec): ExactJson | undefined {
  if (type === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  if (shape === null) return castScalar(value, type)
  if (!Array.isArray(value)) return undefined
  const [size = -1] = shape
  const cast = (value as readonly ExactJson[]).map((each) => castScalar(each, type))
  if (cast.includes(undefined) || (size >= 0 && size !== cast.length)) return undefined
  return cast as ExactJson[]
}

function castScalar(value: ExactJson, type: ParamSpec['type']): ExactJson | undefined {
  return value === null || IS_A[type](value) ? value : undefined
}

const isWhole = (value: ExactJson) => typeof value === 'bigint'
const isNumber = (value: ExactJson) => typeof value === 'bigint' || typeof value === 'number'
const isText = (value: ExactJson) => typeof value === 'string'

const IS_A: Readonly<Record<ParamSpec['type'], (value: ExactJson) => boolean>> = {
  boolean: (value) => typeof value === 'boolean',
  integer: isWhole,
  long: isWhole,
  float: isNumber,
  double: isNumber,
  datetime: (value) => typeof value === 'string' && instantMs(value) !== undefined,
  string: isText,
  binary: isText,
  object: () => false,
}

function described({ type, shape }: ParamSpec): string {
  return shape === null ? type : `list of ${type}`
}

function shown(value: ExactJson): string {
  const text = printExactJson(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
