import { stringify as printToml } from 'smol-toml'
import { Problem } from '#base/problem'
import {
  edited,
  editsBy,
  isList,
  isMap,
  isTimestamp,
  sameParam,
  type Override,
  type ParamEdit,
  type ParamValue,
} from '#stages'
import { readParamsFile } from './params-file.ts'
import { setInFlow } from './flow-edit.ts'
import { setInPython } from './python-edit.ts'
import { pythonJson } from './python.ts'
import { setInToml } from './toml-edit.ts'
import { setInYaml, withoutEntry } from './yaml-edit.ts'
import { printYaml } from './yaml-write.ts'

/**
 * The text of a file of parameters with those overrides; comments, quotes and the order of keys stay. `file` says by
 * the end of its name what it is written in. Throws `invalid` where an override does not fit.
 */
export function applied(overrides: readonly Override[], text: string, file: string): string {
  const before = readParamsFile(file, text)
  if (before.problems.length > 0)
    throw new Problem('invalid', `${file} cannot be read: ${before.problems.join('; ')}`)
  let now = text
  let value: ParamValue = before.value ?? new Map()
  for (const edit of editsBy(overrides, value)) {
    value = edited(value, edit.path, edit.value)
    now = withEdit(file, now, { edit, value })
  }
  return now
}

/** Whatever the writing of a file is like, what is read from it afterwards is what was asked for. */
function withEdit(
  file: string,
  text: string,
  want: { edit: ParamEdit; value: ParamValue },
): string {
  for (const attempt of attemptsFor(file)) {
    const written = attempt(text, want)
    if (written === undefined) continue
    const { value, problems } = readParamsFile(file, written)
    if (problems.length === 0 && isSame(value ?? new Map(), want.value)) return written
  }
  throw new Problem(
    'invalid',
    `${file} is written in a way in which ${want.edit.path.join('.')} cannot be changed by itself; change it by hand`,
  )
}

type Attempt = (text: string, want: { edit: ParamEdit; value: ParamValue }) => string | undefined

function attemptsFor(file: string): Attempt[] {
  if (file.endsWith('.py')) return [(text, { edit }) => setInPython(text, edit)]
  if (file.endsWith('.toml'))
    return [
      (text, { edit }) => setInToml(text, edit),
      (_text, { value }) => printToml(plainToml(value)),
    ]
  if (file.endsWith('.json'))
    return [
      (text, { edit }) => setInFlow(text, edit, jsonText),
      (text, { value }) => asJson(text, value),
    ]
  return [
    (text, { edit }) =>
      edit.value === undefined
        ? withoutEntry(text, edit.path)
        : setInYaml(text, edit.path, edit.value),
    (text, { edit }) => setInFlow(text, edit, jsonText),
    (_text, { value }) => (isMap(value) ? printYaml(value) : undefined),
  ]
}

function jsonText(value: ParamValue): string {
  return pythonJson(value)
}

/** Written anew, with the indent that the file has. */
function asJson(text: string, value: ParamValue): string {
  const indent = /^[{[]\r?\n([ \t]+)/.exec(text.trimStart())?.[1]
  const flat = pythonJson(value)
  const end = text.endsWith('\n') ? '\n' : ''
  return (indent === undefined ? flat : indented(value, indent, '')) + end
}

function indented(value: ParamValue, indent: string, at: string): string {
  const deeper = at + indent
  const wrap = (open: string, items: readonly string[], close: string) =>
    items.length === 0
      ? open + close
      : `${open}\n${items.map((item) => deeper + item).join(',\n')}\n${at}${close}`
  if (isList(value))
    return wrap(
      '[',
      value.map((each) => indented(each, indent, deeper)),
      ']',
    )
  if (isMap(value))
    return wrap(
      '{',
      [...value].map(
        ([key, each]) => `${pythonJson(String(key))}: ${indented(each, indent, deeper)}`,
      ),
      '}',
    )
  return pythonJson(value)
}

function plainToml(value: ParamValue): unknown {
  if (isList(value)) return value.map(plainToml)
  if (isMap(value))
    return Object.fromEntries([...value].map(([key, each]) => [String(key), plainToml(each)]))
  if (isTimestamp(value)) return new Date(value.timestamp)
  return value
}

/** As Python compares, but nan is the nan that was asked for, and 1 is not 1.0. */
function isSame(one: ParamValue | undefined, other: ParamValue | undefined): boolean {
  if (isList(one) && isList(other))
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]))
  if (isMap(one) && isMap(other))
    return one.size === other.size && [...one].every(([key, each]) => isSame(each, other.get(key)))
  if (typeof one !== typeof other) return false
  return Object.is(one, other) || sameParam(one, other)
}
