# Our own code on top of the packages: changes often, builds in seconds. Root owns it; nobody in the box may write it.
ARG PACKAGES_IMAGE
FROM ${PACKAGES_IMAGE}
LABEL org.referee.stage=smoke
# The tiny data hangs on few files, so that it is made again only when they change.
COPY referee_inside/__init__.py /opt/maker/referee_inside/
COPY referee_inside/data/__init__.py referee_inside/data/prose.py referee_inside/data/shards.py \
     referee_inside/data/vocabulary.py /opt/maker/referee_inside/data/
RUN cd /opt/maker && /opt/referee/bin/python -m referee_inside.data.vocabulary /opt/data && chmod -R a+rX,go-w /opt/data
COPY referee_inside /opt/inside/referee_inside
# runc gives a tmpfs the mode of the folder below it, so /scratch is made writable here.
RUN chmod 1777 /scratch && chmod -R a+rX,go-w /opt/inside && /opt/referee/bin/python -m compileall -q /opt/inside
USER 10001
WORKDIR /scratch
