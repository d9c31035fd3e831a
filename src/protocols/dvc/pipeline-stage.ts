import { posix } from 'node:path'
import {
  isList,
  isMap,
  type ParamMap,
  type ParamValue,
  type Stage,
  type StageDep,
  type StageOut,
  type StageParams,
} from '#stages'
import { hermeticOf } from './hermetic-meta.ts'
import { partsOf } from './parts-meta.ts'
import { stageMetaOf } from './stage-meta.ts'
import { asArguments, TemplateFault } from './template.ts'

/** The stage that a filled-in entry of `dvc.yaml` describes. */
export function stageOf(file: string, entry: { name: string; body: ParamMap }): Stage {
  const { name, body } = entry
  const folder = posix.dirname(file)
  const wdir = joined(folder, body.has('wdir') ? textOf(body.get('wdir'), 'wdir') : '.')
  if (wdir.startsWith('../') || wdir === '..')
    throw new TemplateFault(`wdir leads out of the project`)
  const outs = (['out', 'metric', 'plot'] as const).flatMap((kind) =>
    outsOf(body.get(`${kind}s`), { kind, wdir }),
  )
  const description = body.get('desc')
  const cmd = commandOf(body.get('cmd'))
  const deps = itemsOf(body.get('deps')).map((item) => depOf(item, wdir))
  const meta = body.get('meta')
  return {
    address: file === 'dvc.yaml' ? name : `${file}:${name}`,
    name,
    file,
    wdir,
    cmd,
    deps,
    params: paramsOf(itemsOf(body.get('params')), wdir),
    outs,
    frozen: body.get('frozen') === true,
    alwaysChanged: body.get('always_changed') === true,
    description: typeof description === 'string' ? description : undefined,
    ...stageMetaOf(meta),
    hermetic: hermeticOf(meta, (path) => joined(wdir, path)),
    parts: partsOf(meta, { cmd, deps, outs }),
  }
}

function depOf(item: ParamValue, wdir: string): StageDep {
  const named = textOf(item, 'deps')
  const dataset = /^ds:\/\/([^/]+)\/?$/.exec(named)?.[1]
  if (dataset !== undefined) return { written: named, path: named, dataset }
  const written = localPath(named, 'deps')
  return { written, path: joined(wdir, written) }
}

function commandOf(value: ParamValue | undefined): string | string[] {
  if (isList(value)) return value.map((each) => commandText(each))
  return commandText(value)
}

function commandText(value: ParamValue | undefined): string {
  const text = isMap(value) ? asArguments(value) : textOf(value, 'cmd')
  if (text.trim() === '') throw new TemplateFault('cmd is empty')
  return text
}

function paramsOf(items: readonly ParamValue[], wdir: string): StageParams[] {
  const files = new Map<string, string[]>()
  const whole = new Set<string>()
  const add = (file: string, keys: readonly string[]) =>
    files.set(file, [...(files.get(file) ?? []), ...keys])
  for (const item of items) {
    if (!isMap(item)) add(DEFAULT_PARAMS, [textOf(item, 'params')])
    else
      for (const [file, keys] of item) {
        const names = itemsOf(keys).map((key) => textOf(key, 'params'))
        if (names.length === 0) whole.add(String(file))
        add(String(file), names)
      }
  }
  return [...files].map(([written, keys]) => ({
    written,
    path: joined(wdir, localPath(written, 'params')),
    keys: whole.has(written) ? [] : [...new Set(keys)],
  }))
}

const DEFAULT_PARAMS = 'params.yaml'

function outsOf(
  items: ParamValue | undefined,
  as: { kind: StageOut['kind']; wdir: string },
): StageOut[] {
  const merged = new Map<string, ParamMap>()
  for (const item of itemsOf(items)) {
    const named = isMap(item) ? [...item] : [[textOf(item, `${as.kind}s`), new Map()] as const]
    for (const [path, props] of named)
      merged.set(
        String(path),
        new Map([...(merged.get(String(path)) ?? []), ...(isMap(props) ? props : [])]),
      )
  }
  return [...merged].map(([written, props]) => outOf(written, props, as))
}

function outOf(
  written: string,
  props: ParamMap,
  as: { kind: StageOut['kind']; wdir: string },
): StageOut {
  const path = joined(as.wdir, localPath(written, `${as.kind}s`))
  const remote = props.get('remote')
  const name = posix.basename(path)
  if (path === '' || path.startsWith('../') || path === '..' || posix.isAbsolute(path))
    throw new TemplateFault(`the output ${written} is not inside the project`)
  if (name.endsWith('.dvc') || name === 'dvc.yaml')
    throw new TemplateFault(`the output ${written} has a name that is kept for DVC's own files`)
  return {
    path,
    written,
    kind: as.kind,
    cached: props.get('cache') !== false,
    persist: props.get('persist') === true,
    push: props.get('push') !== false,
    remote: typeof remote === 'string' ? remote : undefined,
    ...(as.kind === 'plot' && props.size > 0 ? { display: displayOf(props) } : {}),
  }
}

/** What only says how a plot is drawn. */
function displayOf(props: ParamMap): ParamMap {
  return new Map([...props].filter(([name]) => DISPLAY.has(String(name))))
}

const DISPLAY = new Set(['template', 'x', 'y', 'x_label', 'y_label', 'title', 'header'])

function localPath(written: string, field: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written))
    throw new TemplateFault(
      `${field}: ${written} is not on this machine, which orrery does not support yet`,
    )
  if (written === '') throw new TemplateFault(`${field}: a path is empty`)
  return written
}

/** Paths from the root, of which '' is the root itself; what is written absolute stays so. */
function joined(folder: string, written: string): string {
  if (posix.isAbsolute(written)) return posix.normalize(written)
  const path = posix.join(folder, written).replace(/\/$/, '')
  return path === '.' ? '' : path
}

function itemsOf(value: ParamValue | undefined): readonly ParamValue[] {
  return isList(value) ? value : []
}

function textOf(value: ParamValue | undefined, field: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  throw new TemplateFault(`${field} must be text`)
}
