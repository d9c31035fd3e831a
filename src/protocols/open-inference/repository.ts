import { parseExactJson, type ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { Repository, State } from '#inference'
import { isDictionary, type Parameters } from './request.ts'

const STATES: Readonly<Record<State, string>> = {
  ready: 'READY',
  loading: 'LOADING',
  failed: 'UNAVAILABLE',
  undeployed: 'UNAVAILABLE',
  unloaded: 'UNAVAILABLE',
}

/** Every model, or those alone that can answer. */
export async function repositoryIndex(repository: Repository, onlyReady: boolean) {
  const entries = await repository.index()
  return entries
    .filter(({ state }) => !onlyReady || state === 'ready')
    .map(({ name, version, state, reason }) => ({
      name,
      version: version === null ? '' : String(version),
      state: STATES[state],
      reason: reason ?? (state === 'ready' || state === 'loading' ? '' : state),
    }))
}

/**
 * What a model shall be loaded as: `model` says so by itself or within the JSON text `config`. Throws `invalid` for
 * other parameters, for what a model is lies in the registry.
 */
export function loadOptionsIn(parameters: Parameters): { model?: string } {
  const { config, model, ...others } = parameters
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new Problem(
      'invalid',
      `a model is not loaded with ${other}; register its files as a version, and name that by the parameter model`,
    )
  const meant = model ?? (config === undefined ? undefined : modelInConfig(config))
  if (meant === undefined) return {}
  if (typeof meant === 'string' && meant.startsWith('models:/')) return { model: meant }
  throw new Problem(
    'invalid',
    'model must be a URI such as models:/flights/3 or models:/flights@champion',
  )
}

function modelInConfig(config: ExactJson): ExactJson | undefined {
  const read = typeof config === 'string' ? jsonIn(config) : undefined
  if (!isDictionary(read)) throw new Problem('invalid', 'config must be the text of a JSON object')
  const { model, name: _, ...others } = read
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new Problem(
      'invalid',
      `config sets ${other}, which follows from the model here; it may set model alone: {"model": "models:/flights/3"}`,
    )
  return model
}

function jsonIn(text: string): ExactJson | undefined {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
