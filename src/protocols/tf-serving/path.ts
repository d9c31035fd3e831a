import type { Asked } from './errors.ts'

export interface ModelPath extends Asked {
  /** What is asked of the model: a verb behind a colon, `metadata`, or nothing for its status. */
  readonly verb: 'predict' | 'classify' | 'regress' | 'explain' | 'metadata' | 'status'
}

const PATH =
  /^\/models\/([^/:]+)(?:\/versions\/(\d{1,15})|\/labels\/([^/:]+))?(?:(\/metadata)|:(predict|classify|regress|explain))?\/?$/i

/** Reads what follows /v1 in an address; its words may be in any case. Undefined for what is no path of a model. */
export function modelPathIn(path: string): ModelPath | undefined {
  const [, model, version, label, metadata, verb] = PATH.exec(path) ?? []
  const name = model === undefined ? undefined : decoded(model)
  const named = label === undefined ? undefined : decoded(label)
  if (name === undefined || (label !== undefined && named === undefined)) return undefined
  return {
    model: name,
    ...(version === undefined ? {} : { pin: { by: 'version', version: Number(version) } }),
    ...(named === undefined ? {} : { pin: { by: 'label', label: named } }),
    verb:
      metadata !== undefined
        ? 'metadata'
        : ((verb?.toLowerCase() as ModelPath['verb'] | undefined) ?? 'status'),
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
