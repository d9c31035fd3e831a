import { createRequire } from 'node:module'
import type * as Toml from 'smol-toml'
import type { ParamKey, ParamValue } from '#stages'
import { readPythonParams } from './python-params.ts'
import { readYaml } from './yaml-read.ts'

/** Reads a file of parameters or metrics by what its name ends in; YAML where that says nothing. */
export function readParamsFile(
  path: string,
  text: string,
): { value: ParamValue; problems: string[] } {
  if (path.endsWith('.json')) return readJson(text)
  if (path.endsWith('.toml')) return readToml(text)
  if (path.endsWith('.py')) return readPythonParams(text)
  const { value, problems } = readYaml(text)
  return {
    value,
    problems: problems.map(({ message, line }) =>
      line === undefined ? message : `line ${line}: ${message}`,
    ),
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

// Without the source text 1 and 1.0 are the same number, and large ints are not exact.
const revive: Reviver = (_key, value, { source }) => {
  if (typeof value === 'number')
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return new Map(Object.entries(value))
  return value
}

function readJson(text: string): { value: ParamValue; problems: string[] } {
  try {
    return {
      value: JSON.parse(text, revive as Parameters<typeof JSON.parse>[1]) as ParamValue,
      problems: [],
    }
  } catch (error) {
    return { value: null, problems: [(error as Error).message] }
  }
}

function readToml(text: string): { value: ParamValue; problems: string[] } {
  try {
    return { value: tomlValue(toml().parse(text, { integersAsBigInt: true })), problems: [] }
  } catch (error) {
    return { value: null, problems: [(error as Error).message] }
  }
}

function tomlValue(value: unknown): ParamValue {
  if (Array.isArray(value)) return value.map(tomlValue)
  if (value instanceof Date) return { timestamp: value.toISOString() }
  if (typeof value === 'object' && value !== null)
    return new Map<ParamKey, ParamValue>(
      Object.entries(value).map(([key, each]) => [key, tomlValue(each)]),
    )
  return value as ParamValue
}

/** Loaded for the first file that needs it. */
function toml(): typeof Toml {
  return createRequire(import.meta.url)('smol-toml') as typeof Toml
}
