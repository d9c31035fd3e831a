import { join } from 'node:path'
import { sha256 } from '#base/digest'
import type { PartsKeeping } from '#stages'
import type { ProjectGround } from './ground.ts'

/** Where parts of stages are processed, and where what they gave is noted; loaded when a stage has parts. */
export function partsKeeping({ own, settings, cache, clock }: ProjectGround): PartsKeeping {
  const top = join(own, 'parts')
  return {
    open: async (circumstances) => {
      const { openPartsLedger } = await import('#stores/dvc/parts')
      const folder = settings.cacheFolder
      return openPartsLedger({ folder, cache, circumstances, nowMs: () => clock.nowMs() })
    },
    workshop: async (stage) => {
      const { openWorkshop } = await import('#stores/dvc/parts-places')
      return openWorkshop(join(top, sha256(stage).slice(0, 32)))
    },
    lastParts: async (stage) => {
      const { readLastParts } = await import('#stores/dvc/parts-places')
      return readLastParts(top, stage)
    },
    saveLastParts: async (stage, parts) => {
      const { saveLastParts } = await import('#stores/dvc/parts-places')
      saveLastParts(top, stage, parts)
    },
  }
}
