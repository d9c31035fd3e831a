import { isList, isMap, isTimestamp, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { openPen, type Pen } from './yaml-pen.ts'
import { scalarOf } from './yaml-scalar.ts'

/**
 * YAML as ruamel.yaml prints plain Python values in block style, to the byte: sequences stand at
 * the indent of their key, long text folds near column 80, and shared lists and maps get anchors.
 */
export function printYaml(value: ParamMap, options: { indent: number } = { indent: 0 }): string {
  const pen = openPen(options.indent)
  const write = writerOf(pen, anchorsOf(value))
  if (value.size === 0) return '{}\n'
  write.node(value, 'root')
  pen.endLine()
  return pen.text()
}

type Place = 'root' | 'item' | 'value'

/** Keys as long as this, or of several lines, are written with `? `: 128 less the unseen tag `!!str`. */
const SIMPLE_KEY_LENGTH = 123

function writerOf(pen: Pen, anchors: Map<object, string>) {
  const written = new Set<object>()

  const node = (value: ParamValue, place: Place): void => {
    if (isList(value) || isMap(value)) collection(value, place)
    else scalar(value, place)
  }

  const scalar = (value: ParamValue, place: Place) => {
    if (isList(value) || isMap(value)) return
    pen.deeper('scalar')
    if (place === 'item') pen.toIndent()
    pen.scalar(scalarOf(value, 'value'), { fold: true })
    pen.shallower()
  }

  const collection = (value: readonly ParamValue[] | ParamMap, place: Place) => {
    const anchor = anchors.get(value)
    if (anchor !== undefined && written.has(value)) return pen.indicator(`*${anchor}`)
    if (anchor !== undefined) pen.indicator(`&${anchor}`)
    written.add(value)
    if (isList(value)) {
      if (value.length === 0) return pen.indicator('[]')
      return sequence(value, place)
    }
    if (value.size === 0) return pen.indicator('{}')
    return mapping(value)
  }

  const sequence = (items: readonly ParamValue[], place: Place) => {
    pen.deeper(place === 'value' && !pen.atIndention() ? 'same' : 'collection')
    for (const item of items) {
      pen.toIndent()
      pen.indicator('-', { indention: true })
      node(item, 'item')
    }
    pen.shallower()
  }

  const mapping = (pairs: ParamMap) => {
    pen.deeper('collection')
    for (const [key, value] of pairs) {
      pen.toIndent()
      if (isSimpleKey(key)) {
        simpleKey(key)
        pen.indicator(':', { tight: true })
      } else {
        pen.indicator('?', { indention: true })
        scalar(key, 'value')
        pen.toIndent()
        pen.indicator(':', { indention: true })
      }
      node(value, 'value')
    }
    pen.shallower()
  }

  const simpleKey = (key: ParamKey) => {
    pen.deeper('scalar')
    pen.scalar(scalarOf(key, 'key'), { fold: false })
    pen.shallower()
  }

  return { node }
}

function isSimpleKey(key: ParamKey): boolean {
  const { text, multiline } = scalarOf(key, 'key')
  return !multiline && Array.from(text).length < SIMPLE_KEY_LENGTH
}

/** Names for the lists and maps that occur more than once: id001, id002 in the order they are met again. */
function anchorsOf(root: ParamMap): Map<object, string> {
  const seen = new Set<object>()
  const names = new Map<object, string>()
  const visit = (value: ParamValue) => {
    if (typeof value !== 'object' || value === null || isTimestamp(value)) return
    if (seen.has(value)) {
      if (!names.has(value)) names.set(value, `id${String(names.size + 1).padStart(3, '0')}`)
      return
    }
    seen.add(value)
    for (const each of value.values()) visit(each)
  }
  visit(root)
  return names
}
