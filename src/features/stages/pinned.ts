/** Variables that make the same inputs give the same bytes; a stage, or its environment, may say otherwise. */
export function pinned(): Record<string, string> {
  return { PYTHONHASHSEED: '0' }
}
