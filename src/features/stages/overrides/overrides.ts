import { Problem } from '#base/problem'
import {
  isInterpolated,
  OverrideFault,
  readSwept,
  type OverrideValue,
  type Swept,
} from './values.ts'
import { isList, isMap, plainParam, sameParam, type ParamKey, type ParamValue } from '../param.ts'

/** A parameter that somebody wants otherwise than its file has it, as Hydra's grammar writes it. */
export interface Override {
  /** As it was written, without the file. */
  readonly written: string
  /** Relative to the project's root. */
  readonly file: string
  readonly key: readonly string[]
  readonly change: 'set' | 'add' | 'force' | 'remove'
  /** Undefined takes the key away whatever it holds. */
  readonly value: OverrideValue | undefined
}

/** One change to a file of parameters; without a value the key is taken away. */
export interface ParamEdit {
  readonly path: readonly (string | number)[]
  readonly value: ParamValue | undefined
}

/** Where a text names no file. */
export const PARAMS_FILE = 'params.yaml'

/** More experiments than this at once are a slip of the pen. */
const SWEPT_MAX = 10_000

/**
 * What texts such as `lr=0.1`, `+new=1`, `~old`, `other.json:a.b=[1,2]` and `lr=0.1,0.2` ask for: every combination is
 * one list of overrides, in the order of a nested loop. Without a sweep there is one. Throws `invalid`.
 */
export function combinationsOf(texts: readonly string[]): Override[][] {
  let combinations: Override[][] = [[]]
  // Those of one file stand together, so that sweeps over several files have the order that dvc gives them.
  const written = texts.map(writtenOf)
  const files = [...new Set(written.map(({ file }) => file))]
  for (const each of files.flatMap((file) => written.filter((one) => one.file === file))) {
    const { swept, ...rest } = each
    const values = swept === undefined ? [undefined] : 'one' in swept ? [swept.one] : swept.each
    if (combinations.length * values.length > SWEPT_MAX)
      throw new Problem(
        'invalid',
        `these sweeps make more than ${SWEPT_MAX} experiments; sweep over fewer values`,
      )
    combinations = combinations.flatMap((before) =>
      values.map((value) => before.concat({ ...rest, value })),
    )
  }
  return combinations
}

/** Overrides without a sweep. Throws `invalid`. */
export function overridesOf(texts: readonly string[]): Override[] {
  const sweeping = texts.find((text) => {
    const { swept } = writtenOf(text)
    return swept !== undefined && 'each' in swept
  })
  if (sweeping !== undefined)
    throw new Problem(
      'invalid',
      `${sweeping} asks for several runs; name one value, or put a text with commas into quotes`,
    )
  return combinationsOf(texts)[0] ?? []
}

const KEY = /^(\+\+|\+|~)?([^=]*)(?:=([^]*))?$/
const NAME = /^(?:[A-Za-z_$][\w$-]*|0|[1-9]\d*)$/

function writtenOf(text: string): Omit<Override, 'value'> & { readonly swept: Swept | undefined } {
  const name = text.split('=', 1)[0] ?? ''
  const colon = name.indexOf(':')
  const file = colon < 0 ? PARAMS_FILE : text.slice(0, colon)
  const written = colon < 0 ? text : text.slice(colon + 1)
  const [, sign, key = '', value] = KEY.exec(written) ?? []
  const path = key.trim().split('.')
  if (!path.every((each) => NAME.test(each)))
    throw new Problem(
      'invalid',
      `${text} names no parameter; write for example -S train.lr=0.1, or -S other.yaml:lr=0.1`,
    )
  if (value === undefined && sign !== '~')
    throw new Problem('invalid', `${text} has no value; write ${text}=… or ~${text} to remove it`)
  const change = sign === '~' ? 'remove' : sign === '++' ? 'force' : sign === '+' ? 'add' : 'set'
  try {
    const swept = value === undefined ? undefined : readSwept(value)
    return { written, file: plainPath(file, text), key: path, change, swept }
  } catch (error) {
    if (error instanceof OverrideFault)
      throw new Problem('invalid', `${text} cannot be read: ${error.message}`)
    throw error
  }
}

function plainPath(file: string, text: string): string {
  const parts = file.split('/').filter((part) => part !== '.' && part !== '')
  if (parts.length === 0 || parts.includes('..') || file.startsWith('/'))
    throw new Problem(
      'invalid',
      `${text} names no file of the project; write its path from the root`,
    )
  return parts.join('/')
}

/** What is to be changed in a file that holds this value. Throws `invalid` where the file does not fit. */
export function editsBy(overrides: readonly Override[], value: ParamValue): ParamEdit[] {
  const edits: ParamEdit[] = []
  let now = value
  for (const override of overrides) {
    const more = editsOf(override, now)
    edits.push(...more)
    for (const edit of more) now = edited(now, edit.path, edit.value)
  }
  return edits
}

/** The value with that edit done to it. */
export function edited(
  value: ParamValue,
  path: readonly (string | number)[],
  put: ParamValue | undefined,
): ParamValue {
  const [step, ...rest] = path
  if (step === undefined) return put ?? null
  if (isList(value) && typeof step === 'number') {
    if (put === undefined && rest.length === 0) return value.toSpliced(step, 1)
    return value.with(step, edited(value[step] ?? null, rest, put))
  }
  const entries = new Map(isMap(value) ? value : [])
  const key = keyIn(entries, String(step))
  if (put === undefined && rest.length === 0) entries.delete(key)
  else entries.set(key, edited(entries.get(key) ?? null, rest, put))
  return entries
}

/** The key as the file has it: a number in YAML is named by its digits. */
function keyIn(entries: ReadonlyMap<ParamKey, ParamValue>, name: string): ParamKey {
  if (entries.has(name)) return name
  return [...entries.keys()].find((key) => String(key) === name) ?? name
}

function editsOf(override: Override, value: ParamValue): ParamEdit[] {
  const { key, change, file, written } = override
  const path = pathIn(value, key)
  const old = path === undefined ? undefined : valueAt(value, path)
  if (change === 'remove') {
    if (path === undefined || old === undefined || old === null)
      throw refused(override, `${key.join('.')} is not in ${file}`)
    const named = override.value
    if (named !== undefined && !sameParam(filled(named, value, override), old))
      throw refused(override, `${key.join('.')} is not ${written.split('=').slice(1).join('=')}`)
    return [{ path, value: undefined }]
  }
  const put = filled(override.value === undefined ? '' : override.value, value, override)
  const isKnown = path !== undefined && old !== undefined
  if (change === 'set' && !isKnown)
    throw refused(override, `${key.join('.')} is not in ${file}; write +${written} to add it`)
  if (change === 'add' && isKnown && old !== null && !isMap(put) && !isList(put))
    throw refused(
      override,
      `${key.join('.')} is in ${file} already; write ${written.slice(1)} to change it`,
    )
  if (path !== undefined) return merging({ override, path, put, old })
  const at = placed(value, override)
  const rest = override.key.slice(at.length)
  return [
    {
      path: at,
      value: rest.reduceRight<ParamValue>((inner, step) => new Map([[step, inner]]), put),
    },
  ]
}

/** A map is laid over the map that is there; everything else takes its place. */
function merging(what: {
  override: Override
  path: readonly (string | number)[]
  put: ParamValue
  old: ParamValue | undefined
}): ParamEdit[] {
  const { override, path, put, old } = what
  if (isList(old) && isMap(put)) throw refused(override, 'a map cannot be laid over a list')
  if (!isMap(old) || !isMap(put)) return [{ path, value: put }]
  return [...put].flatMap(([key, each]) => {
    const name = String(key)
    const before = old.get(keyIn(old, name))
    if (before === undefined && override.change === 'set')
      throw refused(
        override,
        `${[...path, name].join('.')} is not in ${override.file}; write +${override.written} to add it`,
      )
    return merging({ override, path: [...path, name], put: each, old: before })
  })
}

/** Where the key leads in this value: steps into lists are numbers. Undefined where it ends before. */
function pathIn(value: ParamValue, key: readonly string[]): (string | number)[] | undefined {
  const path: (string | number)[] = []
  let now: ParamValue | undefined = value
  for (const step of key) {
    if (isList(now) && /^\d+$/.test(step) && Number(step) < now.length) {
      path.push(Number(step))
      now = now[Number(step)]
    } else if (isMap(now) && now.has(keyIn(now, step))) {
      path.push(step)
      now = now.get(keyIn(now, step))
    } else return undefined
  }
  return path
}

/** Where a new key goes: as far as there is something, and one step on. A value in its way gives way, a list does not. */
function placed(value: ParamValue, override: Override): (string | number)[] {
  const path: (string | number)[] = []
  let now: ParamValue | undefined = value
  for (const step of override.key) {
    if (isList(now)) {
      if (!/^\d+$/.test(step) || Number(step) >= now.length)
        throw refused(override, `the list ${path.join('.')} has ${now.length} items, no ${step}`)
      path.push(Number(step))
      now = now[Number(step)]
    } else if (isMap(now)) {
      path.push(step)
      now = now.get(keyIn(now, step))
    } else break
  }
  return path
}

function valueAt(value: ParamValue, path: readonly (string | number)[]): ParamValue | undefined {
  let now: ParamValue | undefined = value
  for (const step of path)
    now = isList(now)
      ? now[Number(step)]
      : isMap(now)
        ? now.get(keyIn(now, String(step)))
        : undefined
  return now
}

/** `${a.b}` alone is that value; inside a text it is put in as text. */
function filled(put: OverrideValue, value: ParamValue, override: Override): ParamValue {
  if (!isInterpolated(put)) return put
  const look = (name: string): ParamValue => {
    const path = pathIn(value, name.trim().split('.'))
    const found = path === undefined ? undefined : valueAt(value, path)
    if (found === undefined)
      throw refused(
        override,
        `\${${name}} is not in ${override.file}; escape it as \\\${…} if it is text`,
      )
    return found
  }
  const whole = /^\$\{([^}]+)\}$/.exec(put.interpolated)
  if (whole !== null) return look(whole[1] ?? '')
  return put.interpolated.replaceAll(/\$\{([^}]+)\}/g, (_all, name: string) => {
    const found = look(name)
    return typeof found === 'string' ? found : JSON.stringify(plainParam(found))
  })
}

function refused(override: Override, why: string): Problem {
  return new Problem('invalid', `-S ${override.written} cannot be applied: ${why}`)
}
