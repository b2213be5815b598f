-- CreateTable
CREATE TABLE "mirrored_messages" (
    "id" BIGINT NOT NULL,
    "room_id" BIGINT NOT NULL,
    "author" UUID NOT NULL,
    "body" TEXT NOT NULL,
    "kind" "message_kind" NOT NULL,
    "price" DECIMAL(20,6),
    "meta" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "mirrored_messages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "mirrored_messages_room_id_idx" ON "mirrored_messages"("room_id");

-- The server's own copy: it is not published (what is written here must not come back as a change), and only the
-- server's role may reach it.
ALTER TABLE "mirrored_messages" ENABLE ROW LEVEL SECURITY;
GRANT ALL ON "mirrored_messages" TO service_role;
