import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, type StageFiles } from '#stages'
import { withoutStage } from '#protocols/dvc/pipeline-edit'
import { readYaml } from '#protocols/dvc/yaml-read'
import { writeWhole } from '#stores/dvc/atomic'
import { lockPath } from './walk.ts'

/** The stages of a project's `dvc.yaml` files, to be taken out. */
export function openStageFiles(root: string): StageFiles {
  return {
    isWritten: ({ file, name }) => {
      const { value } = readYaml(readFileSync(join(root, file), 'utf8'))
      const stages = isMap(value) ? value.get('stages') : undefined
      return isMap(stages) && stages.has(name)
    },
    remove: async ({ file, name }) => {
      // The lock goes first: without its stage an entry would be read as one of another run.
      for (const path of [lockPath(file), file]) {
        const whole = join(root, path)
        if (!existsSync(whole)) continue
        const before = readFileSync(whole, 'utf8')
        const after = withoutStage(before, name)
        if (after === undefined) rmSync(whole)
        else if (after !== before) writeWhole(whole, after)
      }
    },
  }
}
