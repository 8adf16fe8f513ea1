/**
 * Fetches the next item of a stream while the last one is worked on. One item is held, no more.
 *
 * @throws what the stream throws, when its item is wanted
 */
export async function* readAhead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let coming = items.next();
  try {
    for (let item = await coming; !item.done; item = await coming) {
      coming = items.next();
      // It may fail before anybody waits for it; whoever wants the item then gets the failure.
      coming.catch(() => {});
      yield item.value;
    }
  } finally {
    await coming.catch(() => {});
    await items.return(undefined);
  }
}
