CREATE TABLE public.projects (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id    uuid NOT NULL REFERENCES auth.users (id),
    title       varchar(200) NOT NULL
);

CREATE TABLE public.tasks (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  uuid NOT NULL REFERENCES public.projects (id) ON DELETE CASCADE,
    assignee    uuid,
    done        boolean NOT NULL DEFAULT false
);

CREATE INDEX tasks_project_idx ON public.tasks (project_id);

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Owners see their projects"
    ON public.projects FOR SELECT
    TO authenticated
    USING (auth.uid() = owner_id);

CREATE POLICY "Assignees see their tasks"
    ON public.tasks FOR SELECT
    TO authenticated
    USING (assignee = (SELECT auth.uid()));

CREATE POLICY "Assignees update their tasks"
    ON public.tasks FOR UPDATE
    TO authenticated
    USING (auth.uid() = assignee);

ALTER PUBLICATION supabase_realtime ADD TABLE public.projects;
