import { isMap } from '#stages'
import {
  anything,
  either,
  flag,
  listOf,
  mapOf,
  optional,
  shape,
  text,
  type Check,
} from './entries.ts'

/** What DVC accepts in `dvc.yaml`, checked before templates are filled in: it refuses a file for one unknown key. */
const ANNOTATION = { desc: text, type: text, labels: listOf(text), meta: anything }
const OUT_PROPS = {
  ...ANNOTATION,
  cache: flag,
  persist: flag,
  checkpoint: flag,
  remote: text,
  push: flag,
}
const PLOT_PROPS = shape({
  ...OUT_PROPS,
  template: text,
  x: text,
  y: text,
  x_label: text,
  y_label: text,
  title: text,
  header: flag,
})

const anyMap: Check = mapOf(anything)
const anyList: Check = listOf(anything)

const STAGE_KEYS: Record<string, Check> = {
  matrix: mapOf(either(text, anyList)),
  cmd: either(text, anyList),
  wdir: text,
  deps: listOf(text),
  params: listOf(either(text, anyMap)),
  vars: listOf(either(text, anyMap)),
  frozen: flag,
  meta: anything,
  desc: text,
  always_changed: flag,
  outs: listOf(either(text, mapOf(shape(OUT_PROPS)))),
  metrics: listOf(either(text, mapOf(shape(OUT_PROPS)))),
  plots: listOf(either(text, mapOf(either(PLOT_PROPS, listOf(PLOT_PROPS))))),
}
const STAGE = shape(STAGE_KEYS, ['cmd'])
const FOREACH = shape({ foreach: either(anyMap, anyList, text), do: STAGE }, ['foreach', 'do'])

const stage: Check = (value, where, found) => {
  const loops = isMap(value) && (value.has('foreach') || value.has('do'))
  if (loops) FOREACH(value, where, found)
  else STAGE(value, where, found)
}

const columns = either(text, listOf(text), mapOf(either(text, listOf(text))))
const PLOT = shape({
  x: either(text, mapOf(text)),
  y: columns,
  x_label: text,
  y_label: text,
  title: text,
  template: text,
})

export const PIPELINE: Check = shape({
  datasets: anything,
  plots: listOf(either(text, mapOf(optional(PLOT)))),
  stages: mapOf(stage),
  vars: listOf(either(text, anyMap)),
  params: listOf(text),
  metrics: listOf(text),
  artifacts: mapOf(shape({ ...ANNOTATION, path: text }, ['path'])),
})
