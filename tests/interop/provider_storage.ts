type Payload = Record<string, unknown> & {
  grantId?: string;
  uid?: string;
  userCode?: string;
  consumed?: number;
};

/** What the provider remembers, by model name and identifier. */
export type ProviderStorage = Map<string, Map<string, Payload>>;

/** The adapter that oidc-provider asks for each of its models. */
export interface StorageAdapter {
  upsert(id: string, payload: Payload): Promise<void>;
  find(id: string): Promise<Payload | undefined>;
  findByUid(uid: string): Promise<Payload | undefined>;
  findByUserCode(userCode: string): Promise<Payload | undefined>;
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
}

/** An adapter factory over one provider's own storage. The provider itself checks expiry. */
export function storageAdapter(storage: ProviderStorage): (model: string) => StorageAdapter {
  return (model) => {
    const entries = storage.get(model) ?? new Map<string, Payload>();
    storage.set(model, entries);
    const findBy = (name: "uid" | "userCode", value: string) =>
      Promise.resolve([...entries.values()].find((payload) => payload[name] === value));
    return {
      upsert: (id, payload) => Promise.resolve(void entries.set(id, payload)),
      find: (id) => Promise.resolve(entries.get(id)),
      findByUid: (uid) => findBy("uid", uid),
      findByUserCode: (userCode) => findBy("userCode", userCode),
      consume: (id) => {
        const payload = entries.get(id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
        return Promise.resolve();
      },
      destroy: (id) => Promise.resolve(void entries.delete(id)),
      revokeByGrantId: (grantId) => {
        for (const [id, payload] of entries) if (payload.grantId === grantId) entries.delete(id);
        return Promise.resolve();
      },
    };
  };
}

/** Forgets every grant and what was issued under it; pending device codes stay. */
export function forgetGrants(storage: ProviderStorage): void {
  for (const model of ["Grant", "RefreshToken", "AccessToken", "AuthorizationCode"]) {
    storage.get(model)?.clear();
  }
}
