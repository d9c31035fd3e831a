import { posix } from 'node:path'
import { isMap, type ParamMap, type ParamValue, type Stage, type StageParts } from '#stages'
import { pythonText } from './python.ts'
import { refuseOthers, timeIn } from './stage-meta.ts'
import { TemplateFault } from './template.ts'

const WORDS = ['input', 'output', 'glob', 'jobs', 'tries', 'timeout', 'worker', 'batch', 'writes']

/** `meta.parts` of a stage: the name of its input, or a map that says more. */
export function partsOf(
  meta: ParamValue | undefined,
  stage: Pick<Stage, 'cmd' | 'deps' | 'outs'>,
): StageParts | undefined {
  const value = isMap(meta) ? meta.get('parts') : undefined
  if (value === undefined || value === null) return undefined
  const said: ParamMap = isMap(value) ? value : new Map([['input', value]])
  refuseOthers(said, 'meta.parts', WORDS)
  const parts: StageParts = {
    input: inputIn(said, stage),
    output: outputIn(said, stage),
    glob: textIn(said, 'glob'),
    jobs: countIn(said, 'jobs'),
    tries: countIn(said, 'tries') ?? 1,
    timeoutMs: timeIn(said, 'timeout', 'meta.parts.timeout'),
    worker: flagIn(said, 'worker'),
    batch: countIn(said, 'batch') ?? 1,
    writes: textIn(said, 'writes'),
  }
  checkTogether(parts, stage)
  return parts
}

function checkTogether(parts: StageParts, { cmd, outs }: Pick<Stage, 'cmd' | 'outs'>): void {
  if (parts.glob?.endsWith('/') === true && parts.glob.split('/').includes('**'))
    throw new TemplateFault(
      `meta.parts.glob '${parts.glob}' names folders, which \`**\` cannot: write one * for each level`,
    )
  if (parts.worker && parts.batch > 1)
    throw new TemplateFault(
      `meta.parts has both worker and batch; a worker gets part after part anyway, so leave batch out`,
    )
  if (parts.batch > 1 && parts.writes === undefined)
    throw new TemplateFault(
      `meta.parts.batch needs meta.parts.writes, which says what each part writes, for example '{stem}.json'`,
    )
  if (parts.writes !== undefined && !/\{(?:name|stem)\}/.test(parts.writes))
    throw new TemplateFault(
      `meta.parts.writes '${parts.writes}' is the same for all parts; write {name} or {stem} into it`,
    )
  const commands = (typeof cmd === 'string' ? cmd.split(/\r?\n/) : cmd).filter(
    (line) => line.trim() !== '',
  )
  const besides = outs.find(({ path }) => path !== parts.output)
  if (besides !== undefined && commands.length < 2)
    throw new TemplateFault(
      `with meta.parts, the first command of cmd writes only ${parts.output}; write ${besides.written} by a second one`,
    )
}

function inputIn(said: ParamMap, { deps }: Pick<Stage, 'deps'>): string {
  const written = textIn(said, 'input')
  if (written === undefined)
    throw new TemplateFault(`meta.parts needs input: one of deps, the folder whose files are parts`)
  const dep = deps.find((each) => samePlace(each.written, written))
  if (dep === undefined || dep.dataset !== undefined)
    throw new TemplateFault(
      `meta.parts.input '${written}' must be one of deps, a folder; there are ${listed(deps.map((each) => each.written))}`,
    )
  return dep.path
}

function outputIn(said: ParamMap, { outs }: Pick<Stage, 'outs'>): string {
  const written = textIn(said, 'output')
  const found =
    written === undefined
      ? outs.length === 1
        ? outs[0]
        : undefined
      : outs.find((each) => samePlace(each.written, written))
  if (found === undefined)
    throw new TemplateFault(
      `meta.parts.output${written === undefined ? '' : ` '${written}'`} must be one of outs, the folder that parts write to; there are ${listed(outs.map((each) => each.written))}`,
    )
  if (!found.cached || found.persist)
    throw new TemplateFault(
      `meta.parts.output '${found.written}' has ${found.persist ? 'persist: true' : 'cache: false'}, but results of parts are kept in the cache; leave that out`,
    )
  return found.path
}

function samePlace(one: string, other: string): boolean {
  return posix.join(one, '.') === posix.join(other, '.')
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}

function textIn(said: ParamMap, key: string): string | undefined {
  const value = said.get(key)
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw new TemplateFault(`meta.parts.${key} '${pythonText(value)}' must be text`)
}

function flagIn(said: ParamMap, key: string): boolean {
  const value = said.get(key) ?? false
  if (typeof value === 'boolean') return value
  throw new TemplateFault(`meta.parts.${key} '${pythonText(value)}' must be true or false`)
}

function countIn(said: ParamMap, key: string): number | undefined {
  const value = said.get(key)
  if (value === undefined || value === null) return undefined
  const count = Number(value)
  const isCount = typeof value === 'bigint' || typeof value === 'number'
  if (isCount && Number.isInteger(count) && count > 0 && count <= 10_000) return count
  throw new TemplateFault(
    `meta.parts.${key} '${pythonText(value)}' must be a whole number from 1 to 10000`,
  )
}
