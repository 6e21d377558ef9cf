# Our own code on top of an image of somebody else's, whose python3 holds the packages: a torch for GPUs, say.
# No step needs a network.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
LABEL org.referee.stage=layered
USER 0
RUN python3 -m venv --without-pip /opt/referee \
    && site="$(/opt/referee/bin/python -c 'import site; print(site.getsitepackages()[0])')" \
    && echo /opt/inside > "$site/referee.pth" \
    && python3 -c 'import site; print(*site.getsitepackages(), sep="\n")' >> "$site/referee.pth" \
    && printf '#!/opt/referee/bin/python\nfrom torch.distributed.run import main\n\nmain()\n' > /opt/referee/bin/torchrun \
    && chmod 755 /opt/referee/bin/torchrun
RUN grep -q ^submission: /etc/passwd \
    || { echo "supervisor:x:10001:10001::/nonexistent:/usr/sbin/nologin" >> /etc/passwd \
        && echo "submission:x:10002:10002::/scratch:/bin/sh" >> /etc/passwd \
        && echo "supervisor:x:10001:" >> /etc/group && echo "submission:x:10002:supervisor" >> /etc/group; }
COPY referee_inside /opt/inside/referee_inside
RUN mkdir -p /scratch /submission /job && chmod 1777 /scratch && chmod -R a+rX,go-w /opt/inside \
    && /opt/referee/bin/python -m compileall -q /opt/inside
ENV PATH=/opt/referee/bin:${PATH} PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT []
USER 10001
WORKDIR /scratch
