import { isList, isMap, type HermeticWish, type ParamMap, type ParamValue } from '#stages'
import { pythonText } from './python.ts'
import { refuseOthers } from './stage-meta.ts'
import { TemplateFault } from './template.ts'

const WATCHES: ReadonlyMap<ParamValue, HermeticWish['watch']> = new Map<
  ParamValue,
  HermeticWish['watch']
>([
  [true, 'strict'],
  [false, 'off'],
  ['strict', 'strict'],
  ['observe', 'observe'],
])

/** `meta.hermetic` of a stage: true, false, `observe`, or a map of what it may do besides. */
export function hermeticOf(
  meta: ParamValue | undefined,
  placed: (path: string) => string,
): HermeticWish | undefined {
  const value = isMap(meta) ? meta.get('hermetic') : undefined
  if (value === undefined || value === null) return undefined
  if (!isMap(value)) return { watch: watchOf(value), allow: [], network: false, variables: [] }
  refuseOthers(value, 'meta.hermetic', ['mode', 'allow', 'network', 'env'])
  const mode = value.get('mode')
  const network = value.get('network') ?? false
  if (typeof network !== 'boolean')
    throw new TemplateFault(`meta.hermetic.network '${pythonText(network)}' must be true or false`)
  return {
    watch: mode === undefined || mode === null ? undefined : watchOf(mode),
    allow: namesIn(value, 'allow').map((path) => placed(path.replace(/(?<=.)\/+$/, ''))),
    network,
    variables: namesIn(value, 'env'),
  }
}

function watchOf(value: ParamValue): HermeticWish['watch'] {
  if (!WATCHES.has(value))
    throw new TemplateFault(
      `meta.hermetic '${pythonText(value)}' is not known; write true, false, observe, or { allow: [path], network: true, env: [NAME] }`,
    )
  return WATCHES.get(value)
}

function namesIn(map: ParamMap, key: string): string[] {
  const value = map.get(key)
  if (value === undefined || value === null) return []
  const items = isList(value) ? value : [value]
  return items.map((item) => {
    if (typeof item === 'string' && item !== '') return item
    throw new TemplateFault(
      `meta.hermetic.${key} must be a list of ${key === 'env' ? 'names of variables' : 'paths'}`,
    )
  })
}
