import { posix } from 'node:path'
import { Problem } from '#base/problem'
import { checkedKey, type KeyValue } from '#tracking'

export const ALIAS_CHARS_MAX = 255
/** Longer than other tags, because the text of a prompt is one. */
export const TAG_VALUE_CHARS_MAX = 100_000

/** Asks for a version, or on a model for each new one, as what its value says too. */
export const CONVERT_TAG = 'orrery.convert'

export function checkedName(name: string): string {
  const bad =
    name.trim() === '' ||
    /[/:]/.test(name) ||
    posix.normalize(name) !== name ||
    name === '.' ||
    name === '..'
  if (bad)
    throw new Problem(
      'invalid',
      `${JSON.stringify(name)} is no name for a registered model; it must not be empty or dots, nor hold / or :`,
    )
  return name
}

export function checkedAlias(alias: string): string {
  if (alias === '' || !/^[\p{L}\p{N}_-]*$/u.test(alias) || alias.length > ALIAS_CHARS_MAX)
    throw new Problem(
      'invalid',
      `${JSON.stringify(alias.slice(0, 80))} is no alias; use up to ${ALIAS_CHARS_MAX} letters, digits, underscores and dashes`,
    )
  if (alias.toLowerCase() === 'latest' || /^v\d+$/i.test(alias))
    throw new Problem(
      'invalid',
      `the alias ${alias} is reserved: it already means a version; choose another`,
    )
  return alias
}

export function checkedTag(tag: KeyValue): KeyValue {
  checkedKey(tag.key, 'a registry tag')
  if (tag.value.length > TAG_VALUE_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the value of the tag ${tag.key} has ${tag.value.length} characters; the limit is ${TAG_VALUE_CHARS_MAX}`,
    )
  if (tag.key === CONVERT_TAG && tag.value !== 'onnx')
    throw new Problem(
      'invalid',
      `the tag ${CONVERT_TAG} is ${JSON.stringify(tag.value.slice(0, 80))}, but models are converted to onnx only; give it that value or leave it out`,
    )
  return tag
}

/** The tags as they are kept: of a key that is there twice the last. */
export function checkedTags(tags: readonly KeyValue[]): KeyValue[] {
  const last = new Map(tags.map((tag) => [checkedTag(tag).key, tag]))
  return [...last.values()]
}
