/** For each object, how its data names each property. */
export type Names = ReadonlyMap<string, ReadonlyMap<string, string>>
