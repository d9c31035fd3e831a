import { isMap, type ParamMap } from '#stages'
import { setInYaml } from './yaml-edit.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/**
 * The text of `dvc.yaml` or `dvc.lock` without one stage; comments and everything else stay. Undefined
 * where nothing would be left that says something.
 */
export function withoutStage(source: string, name: string): string | undefined {
  const { value } = readYaml(source)
  const top: ParamMap = isMap(value) ? value : new Map()
  const stages = top.get('stages')
  if (!isMap(stages) || !stages.has(name)) return source
  if (stages.size > 1) {
    const left = new Map([...stages].filter(([key]) => key !== name))
    return setInYaml(source, ['stages', name], undefined) ?? printed(top, left)
  }
  const says = [...top.keys()].some((key) => key !== 'stages' && key !== 'schema')
  if (!says) return undefined
  return setInYaml(source, ['stages'], undefined) ?? printed(top, undefined)
}

function printed(top: ParamMap, stages: ParamMap | undefined): string {
  const rest = [...top].filter(([key]) => key !== 'stages' || stages !== undefined)
  return printYaml(
    new Map(rest.map(([key, value]) => [key, key === 'stages' ? (stages ?? value) : value])),
  )
}
