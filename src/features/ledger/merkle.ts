import { createHash } from 'node:crypto'
import { invariant } from '#base/invariant'

/** Hashes and proofs of RFC 6962 section 2.1. A hash is 32 bytes; sizes and indexes count leaves. */
export type Hash = Buffer

/** The hash of a complete subtree: leaves `index * 2^level` up to `(index + 1) * 2^level`. */
export interface Node {
  readonly level: number
  readonly index: number
  readonly hash: Hash
}

/** Looks up the hash of a complete subtree. */
export type NodeAt = (level: number, index: number) => Promise<Hash>

export function leafHash(content: string | Buffer): Hash {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(content)
    .digest()
}

export function parentHash(left: Hash, right: Hash): Hash {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest()
}

/** The nodes that come into being when `leaf` is appended to a tree of `size` leaves, lowest first. */
export async function nodesOfAppend(size: number, leaf: Hash, at: NodeAt): Promise<Node[]> {
  const nodes: Node[] = [{ level: 0, index: size, hash: leaf }]
  let hash = leaf
  for (let level = 0, index = size; index % 2 === 1; level++) {
    hash = parentHash(await at(level, index - 1), hash)
    index = (index - 1) / 2
    nodes.push({ level: level + 1, index, hash })
  }
  return nodes
}

/** The root of the first `size` leaves. */
export async function rootOf(size: number, at: NodeAt): Promise<Hash> {
  if (size === 0) return createHash('sha256').digest()
  return hashOfRange(0, size, at)
}

/** The audit path of leaf `index` in a tree of `size` leaves (RFC 6962 section 2.1.1). */
export async function inclusionProof(index: number, size: number, at: NodeAt): Promise<Hash[]> {
  invariant(index >= 0 && index < size, 'a proof is of a leaf inside the tree')
  return pathInRange(index, 0, size, at)
}

/** Whether `proof` shows `leaf` to be leaf `index` of the tree with that `root` (RFC 9162 section 2.1.3.2). */
export function provesInclusion(
  claim: { leaf: Hash; index: number; size: number; root: Hash },
  proof: readonly Hash[],
): boolean {
  if (claim.index >= claim.size) return false
  let [fn, sn, hash] = [claim.index, claim.size - 1, claim.leaf]
  for (const sibling of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = parentHash(sibling, hash)
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2)
        sn = Math.floor(sn / 2)
      }
    } else {
      hash = parentHash(hash, sibling)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && hash.equals(claim.root)
}

async function hashOfRange(start: number, end: number, at: NodeAt): Promise<Hash> {
  const count = end - start
  if (isPowerOfTwo(count) && start % count === 0) return at(Math.log2(count), start / count)
  const middle = start + splitOf(count)
  return parentHash(await hashOfRange(start, middle, at), await hashOfRange(middle, end, at))
}

async function pathInRange(index: number, start: number, end: number, at: NodeAt): Promise<Hash[]> {
  if (end - start === 1) return []
  const middle = start + splitOf(end - start)
  return index < middle
    ? [...(await pathInRange(index, start, middle, at)), await hashOfRange(middle, end, at)]
    : [...(await pathInRange(index, middle, end, at)), await hashOfRange(start, middle, at)]
}

/** The largest power of two smaller than `count`. */
function splitOf(count: number): number {
  return 2 ** (Math.ceil(Math.log2(count)) - 1)
}

function isPowerOfTwo(count: number): boolean {
  return 2 ** Math.round(Math.log2(count)) === count
}
