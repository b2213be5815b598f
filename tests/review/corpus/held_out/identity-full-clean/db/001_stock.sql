CREATE TABLE stock (
    warehouse TEXT NOT NULL,
    sku TEXT NOT NULL,
    pieces INTEGER NOT NULL,
    CONSTRAINT stock_pk PRIMARY KEY (warehouse, sku)
);
CREATE TABLE prices (
    id UUID PRIMARY KEY,
    sku TEXT NOT NULL,
    cents INTEGER NOT NULL
);
ALTER TABLE prices REPLICA IDENTITY FULL;
ALTER PUBLICATION supabase_realtime ADD TABLE stock, prices;
