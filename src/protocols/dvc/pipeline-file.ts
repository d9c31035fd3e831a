import { posix } from 'node:path'
import {
  isList,
  isMap,
  type Declared,
  type ParamKey,
  type ParamMap,
  type ParamValue,
  type Stage,
} from '#stages'
import { faults } from './entries.ts'
import { withLine } from './fault-line.ts'
import { definitionsOf, type Definition } from './generate.ts'
import { PIPELINE } from './pipeline-schema.ts'
import { pythonText } from './python.ts'
import { stageOf } from './pipeline-stage.ts'
import {
  EMPTY_CONTEXT,
  extended,
  filled,
  hasTemplate,
  TemplateFault,
  type CommandStyle,
  type Context,
} from './template.ts'
import { readYaml } from './yaml-read.ts'

/** What is wrong, and with which stage; without one, with the whole file. */
export interface PipelineProblem {
  readonly stage: string | undefined
  readonly message: string
}

export interface PipelineSources {
  /** The value in a YAML, JSON or TOML file by its path from the root; undefined where there is none. */
  readonly load: (path: string) => { value: ParamValue; problems: readonly string[] } | undefined
  readonly style?: CommandStyle
}

/** Reads the `dvc.yaml` at `file`: its stages with templates filled in, and what is wrong with the others. */
export function readPipelineFile(
  file: string,
  source: string,
  sources: PipelineSources,
): { stages: Stage[]; problems: PipelineProblem[] } {
  const problems: PipelineProblem[] = []
  const { value, problems: faulty } = readYaml(source)
  for (const { message, line } of faulty)
    problems.push({
      stage: undefined,
      message: line === undefined ? message : `line ${line}: ${message}`,
    })
  if (problems.length > 0 || value === null) return { stages: [], problems }
  const found = faults()
  PIPELINE(value, '', found)
  for (const message of found.list) problems.push({ stage: undefined, message })
  if (found.list.length > 0 || !isMap(value)) return { stages: [], problems }

  const folder = posix.dirname(file) === '.' ? '' : posix.dirname(file)
  const stages: Stage[] = []
  const attempt = (stage: string | undefined, work: () => void) => {
    try {
      work()
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error
      problems.push({ stage, message: withLine(source, stage, error.message) })
    }
  }
  attempt(undefined, () => {
    const context = contextOf(value, { folder, sources })
    for (const [name, body] of entriesOf(value.get('stages')))
      attempt(name, () => {
        for (const definition of definitionsOf(name, body, context))
          attempt(definition.name, () => {
            stages.push(stageOf(file, resolved(definition, { folder, sources })))
          })
      })
  })
  return { stages, problems }
}

/** What the `dvc.yaml` at `file` lists outside of its stages, templates filled in. Nothing for a file with faults. */
export function readDeclared(file: string, source: string, sources: PipelineSources): Declared {
  const { value, problems } = readYaml(source)
  const folder = posix.dirname(file) === '.' ? '' : posix.dirname(file)
  if (problems.length > 0 || !isMap(value)) return { metrics: [], params: [], plots: [] }
  const context = contextOf(value, { folder, sources })
  const listed = (field: string): readonly ParamValue[] => {
    const entry = value.get(field)
    const all = entry === undefined ? [] : filled(entry, context, { field })
    return isList(all) ? all : []
  }
  const paths = (field: string) => listed(field).map((path) => posix.join(folder, pythonText(path)))
  const plots = listed('plots').flatMap((entry) =>
    isMap(entry)
      ? [...entry].map(([id, props]) => ({
          id: String(id),
          props: isMap(props) ? props : NO_PROPS,
        }))
      : [{ id: pythonText(entry), props: NO_PROPS }],
  )
  return {
    metrics: paths('metrics'),
    params: paths('params'),
    plots: plots.map(({ id, props }) => ({ file, folder, id, props })),
  }
}

const NO_PROPS: ParamMap = new Map()

function contextOf(top: ParamMap, at: { folder: string; sources: PipelineSources }): Context {
  const vars = top.get('vars')
  const params = posix.join(at.folder, 'params.yaml')
  const start =
    at.sources.load(params) === undefined
      ? EMPTY_CONTEXT
      : withVars(EMPTY_CONTEXT, ['params.yaml'], { ...at, name: '' })
  return withVars(start, isList(vars) ? vars : [], { ...at, name: '' })
}

/** The context with `vars`: files, `file:key,key`, or maps written in place. */
function withVars(
  context: Context,
  vars: readonly ParamValue[],
  at: { folder: string; sources: PipelineSources; name: string },
): Context {
  if (hasTemplate(vars)) throw new TemplateFault('vars cannot have templates in them')
  let result = context
  for (const [index, item] of vars.entries()) {
    if (isMap(item))
      result = extended(result, {
        values: item,
        source: `${at.name === '' ? '' : `${at.name}.`}vars[${index}]`,
      })
    else if (typeof item === 'string') result = withFile(result, item, at)
  }
  return result
}

function withFile(
  context: Context,
  item: string,
  at: { folder: string; sources: PipelineSources },
): Context {
  const [name = '', keyList] = item.split(/:(.*)/s, 2)
  const path = posix.join(at.folder, name)
  const keys = keyList?.split(',').filter((key) => key !== '')
  const wanted = keys === undefined || keys.length === 0 ? undefined : keys
  if (context.imports.has(path)) {
    const before = context.imports.get(path)
    if (wanted === undefined && before === undefined) return context
    if (wanted === undefined || before === undefined || before.some((key) => wanted.includes(key)))
      throw new TemplateFault(`'${item}' is loaded twice; name a file once in vars`)
  }
  const values = chosen(loaded(path, at.sources), { path, keys: wanted })
  const imports = new Map(context.imports)
  const before = imports.get(path)
  imports.set(path, wanted === undefined ? undefined : [...(before ?? []), ...wanted])
  return { ...extended(context, { values, source: path }), imports }
}

function loaded(path: string, sources: PipelineSources): ParamMap {
  const file = sources.load(path)
  if (file === undefined) throw new TemplateFault(`'${path}' does not exist`)
  if (file.problems.length > 0) throw new TemplateFault(`'${path}': ${file.problems.join('; ')}`)
  if (file.value === null) return new Map()
  if (!isMap(file.value)) throw new TemplateFault(`'${path}' must hold a map`)
  return file.value
}

function chosen(
  values: ParamMap,
  from: { path: string; keys: readonly string[] | undefined },
): ParamMap {
  if (from.keys === undefined) return values
  return new Map(
    from.keys.map((key): [ParamKey, ParamValue] => {
      const value = values.get(key)
      if (value === undefined) throw new TemplateFault(`could not find '${key}' in '${from.path}'`)
      return [key, value]
    }),
  )
}

/** A definition with its templates filled in. */
function resolved(
  { name, body, context }: Definition,
  at: { folder: string; sources: PipelineSources },
): { name: string; body: ParamMap } {
  const wdir = body.get('wdir')
  const folder =
    typeof wdir === 'string' ? posix.join(at.folder, pythonText(filled(wdir, context))) : at.folder
  const vars = body.get('vars')
  const own = isList(vars) ? withVars(context, vars, { ...at, folder, name }) : context
  const style = at.sources.style
  const fields = [...body]
    .filter(([field]) => field !== 'vars')
    .map(([field, value]): [ParamKey, ParamValue] => [
      field,
      filled(value, own, { field: String(field), ...(style === undefined ? {} : { style }) }),
    ])
  return { name, body: new Map(fields) }
}

function entriesOf(stages: ParamValue | undefined): [string, ParamMap][] {
  if (!isMap(stages)) return []
  return [...stages].flatMap(([name, body]) =>
    isMap(body) ? [[String(name), body] as [string, ParamMap]] : [],
  )
}
